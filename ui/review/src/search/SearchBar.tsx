// The search bar: conditions in the grammar of `where=`, completed while they are typed.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useId, useRef, useState } from "react";
import { complete, inserted } from "./completion.ts";
import { columnsQuery } from "./queries.ts";
import { parseQuery } from "./query.ts";
import styles from "./SearchBar.module.css";

interface Props {
  session: string;
  /** What is asked now. */
  where: string;
  ask: (where: string) => void;
}

/** Keyed by what is asked, so that a search from elsewhere stands in the bar, too. */
export function SearchBar(props: Props) {
  return <Bar key={props.where} {...props} />;
}

function Bar({ session, where, ask }: Props) {
  const { data: facts } = useQuery(columnsQuery(session));
  const [text, setText] = useState(where);
  const [caret, setCaret] = useState(where.length);
  const [isOpen, setIsOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const query = parseQuery(text);
  const fault = "fault" in query ? query.fault : "";
  const completion = facts && isOpen ? complete(text, caret, facts) : null;
  const options = completion?.options ?? [];

  const type = (next: string, at: number) => {
    setText(next);
    setCaret(at);
    setChosen(-1);
  };
  const take = (place: number) => {
    const option = options[place];
    if (!completion || !option) return;
    const [next, at] = inserted(text, completion, option);
    type(next, at);
    input.current?.focus();
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setIsOpen(false);
    if (!fault) ask(text.trim());
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !options.length) setIsOpen(true);
    if (step && options.length) setChosen((chosen + step + options.length) % options.length);
    else if (event.key === "Escape" && isOpen) setIsOpen(false);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0 && options.length) take(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <form className={styles.bar} onSubmit={submit}>
      <label htmlFor={`${id}-input`} className="visually-hidden">
        Conditions
      </label>
      <div className={styles.field}>
        <input
          id={`${id}-input`}
          ref={input}
          type="search"
          role="combobox"
          aria-expanded={options.length > 0}
          aria-controls={`${id}-options`}
          aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 && options[chosen] ? `${id}-${chosen}` : undefined}
          aria-invalid={Boolean(fault)}
          aria-describedby={`${id}-fault`}
          autoComplete="off"
          spellCheck={false}
          placeholder="disagreement=1, entropy>0.9"
          value={text}
          onChange={(event) => {
            type(event.target.value, event.target.selectionStart ?? event.target.value.length);
            setIsOpen(true);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onKeyDown={press}
          onBlur={() => setIsOpen(false)}
        />
        <div
          id={`${id}-options`}
          role="listbox"
          aria-label="Completions"
          className={styles.options}
          hidden={!options.length}
        >
          {options.map((option, place) => (
            // The input keeps the focus: keys are handled there.
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles keys
            // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus
            <div
              key={option.text}
              id={`${id}-${place}`}
              role="option"
              aria-selected={place === chosen}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(place)}
            >
              <code>{option.text}</code> <span>{option.hint}</span>
            </div>
          ))}
        </div>
      </div>
      <button type="submit" disabled={Boolean(fault)}>
        Search
      </button>
      <p id={`${id}-fault`} className={styles.fault} role={isOpen ? undefined : "alert"}>
        {fault}
      </p>
    </form>
  );
}
