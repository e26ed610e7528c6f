import { useEffect, useRef } from "react";
import styles from "./Help.module.css";
import { namesOf, useAllKeys } from "./keys.tsx";

const SHOWN: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "space",
};

/** The keys of what is shown, over the page. */
export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const keys = useAllKeys();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} className={styles.help} onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl>
        {keys.map((binding) => (
          <div key={namesOf(binding).join(" ")}>
            <dt>
              {namesOf(binding).map((name) => (
                <kbd key={name}>{SHOWN[name] ?? name}</kbd>
              ))}
            </dt>
            <dd>{binding.label}</dd>
          </div>
        ))}
      </dl>
      <p>Keys work with the slider focused, and not while you type.</p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
