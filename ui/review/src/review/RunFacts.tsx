import type { Run } from "../api/schemas.ts";
import { percent, whole } from "../app/format.ts";
import styles from "./RunFacts.module.css";

/** A run in one line; its seed in digits, which a number of JavaScript could not hold. */
export function RunFacts({ run }: { run: Run | undefined }) {
  if (!run) return <p className={styles.facts}>…</p>;
  const facts: [string, string][] = [
    ["score", whole(run.max_score)],
    ["highest tile", whole(run.highest_tile)],
    ["steps", whole(run.steps)],
    ["action disagreement", percent(run.disagreement_rate)],
    [
      "EV disagreement",
      run.ev_disagreement_rate === null ? "not available" : percent(run.ev_disagreement_rate),
    ],
    ["seed", run.seed_text],
    ...(run.ended ? [["ended", run.ended] as [string, string]] : []),
  ];
  return (
    <p className={styles.facts}>
      <strong>Run {run.run_id}</strong>
      {facts.map(([name, value]) => (
        <span key={name}>
          <span className={styles.name}>{name}</span> {value}
        </span>
      ))}
    </p>
  );
}
