// What stands where there is nothing to show: it is loading, it is empty, or it failed and here is why.
import type { ReactNode } from "react";
import { sentenceOf } from "../api/client.ts";
import styles from "./states.module.css";

export function Loading({ what }: { what: string }) {
  return (
    <p className={styles.state} role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className={styles.state}>{children}</div>;
}

export function Failed({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <div className={styles.failed} role="alert">
      <p>{sentenceOf(error)}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A page without anything else, so that it has a heading of its own. */
export function Nothing({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={styles.state}>
      <h1>{title}</h1>
      {children}
    </div>
  );
}
