// What happened at a step, in words: who plays what, and whether they differ in the move or in its worth.
import type { Step } from "../api/schemas.ts";
import { fixed } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import styles from "./VerdictLine.module.css";
import { SYMBOLS, saidBy, type Verdict } from "./values.ts";

export function VerdictLine({ step, verdict }: { step: Step; verdict: Verdict }) {
  const { argmax, model, reference, differs, severity, evDiffers } = verdict;
  const who = saidBy(step);
  const name = (move: number | null) => (move === null ? "unknown" : MOVES[move]);
  const other = step.teacher.action === null ? "Played" : "Teacher";
  return (
    <p className={styles.verdict} aria-live="polite">
      <span>
        {other} <strong className={styles.teacher}>{name(reference)}</strong>
      </span>
      <span>
        Model <strong className={styles.model}>{name(model)}</strong>
      </span>
      {differs !== null && (
        <span className={severity ? styles[severity] : ""}>
          {severity ? (
            <>
              <b>{SYMBOLS[severity]}</b> action disagreement, {severity}
            </>
          ) : (
            "same action"
          )}
        </span>
      )}
      <span>
        {evDiffers === null ? "EV disagreement: not available" : evDiffers ? "EV disagreement" : "same EV"}
      </span>
      {argmax !== null && !step.legal[argmax] && (
        <span className={styles.severe}>
          <b>⊘</b> argmax {name(argmax)} is illegal
        </span>
      )}
      {who !== "both" && <span className={styles.who}>{WORDS[who]}</span>}
      {step.metrics.entropy != null && (
        <span className={styles.who}>entropy {fixed(step.metrics.entropy, 3)}</span>
      )}
    </p>
  );
}

const WORDS = {
  "teacher only": "teacher only: this step has no annotation",
  "model only": "model only: no teacher spoke here",
  neither: "neither teacher nor model speaks of this step",
};
