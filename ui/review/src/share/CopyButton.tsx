import { type ReactNode, useEffect, useState } from "react";
import styles from "./CopyButton.module.css";

const SAID_MS = 2000;

/** Puts a text on the clipboard, and says that it did; where the browser does not allow it, shows the text instead. */
export function CopyButton({ text, children }: { text: string; children: ReactNode }) {
  const [outcome, setOutcome] = useState<"copied" | "refused">();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("refused");
    }
  };
  useEffect(() => {
    if (outcome !== "copied") return;
    const timer = setTimeout(() => setOutcome(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  return (
    <>
      <button type="button" onClick={copy}>
        {children}
        <span role="status">
          {outcome === "copied" && " · Copied"}
          {outcome === "refused" && " · The browser does not allow it"}
        </span>
      </button>
      {outcome === "refused" && <code className={styles.text}>{text}</code>}
    </>
  );
}
