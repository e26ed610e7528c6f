"""The entries of a rollout counted one character at a time, by the rules of the docs and none of the library's code."""


def entries_begun(text: str) -> int:
    """Keys of the first object: whole strings after its `{` or a comma of its own level, or before a colon there.

    A string in the place of a value is none. `place`: what may come next in that object; `string` what one stands for.
    """
    begun, brackets, string, escaped, place = 0, [], "", False, "key"
    for character in text[text.find("{") :] if "{" in text else "":
        own_level = brackets == ["{"]
        if string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                begun += string == "key"
                place = {"key": "colon", "perhaps a key": "colon of a key"}.get(string, "comma")
                string = ""
        elif character == '"':
            kinds = {"key": "key", "comma": "perhaps a key", "colon of a key": "perhaps a key"}
            string = kinds.get(place, "other") if own_level else "other"
        elif character == ":" and own_level:
            begun += place == "colon of a key"
            place = "value" if place.startswith("colon") else "comma"
        elif character == "," and own_level:
            place = "key"
        elif character in "{[":
            brackets.append(character)
            place = "key"
        elif character == "}":
            while brackets.pop() != "{":
                pass
            if not brackets:
                break
            place = "comma"
        elif character == "]":
            if brackets[-1] == "[":
                brackets.pop()
            place = "comma"
        elif character not in " \t\n\r\v\f":
            place = "comma"
    return begun
