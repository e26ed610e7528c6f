// What the value heads say, a line each; wide ones as a list.
import type { Step } from "../api/schemas.ts";
import { fixed } from "../app/format.ts";
import styles from "./ValueHeads.module.css";

export function ValueHeads({ values }: { values: Step["values"] }) {
  const heads = Object.entries(values);
  if (heads.length === 0) return null;
  return (
    <section className={styles.heads} aria-label="Value heads">
      {heads.map(([name, found]) => (
        <div key={name}>
          <span>{name}</span>
          {found.length === 1 && <meter min={0} max={1} value={found[0] ?? 0} aria-label={name} />}
          <span className={styles.value}>{found.map((value) => fixed(value, 3)).join(" ")}</span>
        </div>
      ))}
    </section>
  );
}
