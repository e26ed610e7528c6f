"""The entries of a rollout counted one character at a time, by the rules of the docs and none of the library's code."""


def entries_begun(text: str) -> int:
    """Keys in key position of the first object: after its `{` or a comma of its own level, complete as strings."""
    begun, brackets, in_string, escaped, key_position, in_key = 0, [], False, False, False, False
    for character in text[text.find("{") :] if "{" in text else "":
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
                begun += in_key
        elif character == '"':
            in_string, in_key, key_position = True, key_position, False
        elif character in "{[":
            brackets.append(character)
            key_position = len(brackets) == 1
        elif character == "}":
            while brackets.pop() != "{":
                pass
            if not brackets:
                break
        elif character == "]":
            key_position = False
            if brackets[-1] == "[":
                brackets.pop()
        elif character == ",":
            key_position = brackets == ["{"]
        elif character not in " \t\n\r\v\f":
            key_position = False
    return begun
