import { type ReactNode, useState } from "react";

/** Puts a text on the clipboard, and says that it did. */
export function CopyButton({ text, children }: { text: string; children: ReactNode }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("The browser does not allow it");
    }
    setTimeout(() => setSaid(""), 2000);
  };
  return (
    <button type="button" onClick={copy}>
      {children}
      <span role="status">{said && ` · ${said}`}</span>
    </button>
  );
}
