// How good the two moves of a step are, and what they lose.
import type { Series } from "../api/queries.ts";
import { JUDGEMENTS } from "../api/schemas.ts";
import { fixed } from "../app/format.ts";
import { GLYPHS } from "./JudgementCounts.tsx";
import type { Judged } from "./RunView.tsx";
import styles from "./StepAccuracy.module.css";
import { SIDES, type Side } from "./search.ts";

const COLUMNS: Record<Side, { loss: string; accuracy: string; label: string }> = {
  played: { loss: "played_loss", accuracy: "accuracy", label: "Played" },
  model: { loss: "ev_loss", accuracy: "model_accuracy", label: "Model" },
};

export function StepAccuracy({
  series,
  judged,
  position,
}: {
  series: Series;
  judged: Judged;
  position: number;
}) {
  const told = SIDES.flatMap((side) => {
    const judgement = JUDGEMENTS[judged[side][position]!];
    const { loss, accuracy, label } = COLUMNS[side];
    if (!judgement) return [];
    return [
      { side, label, judgement, loss: series[loss]?.[position], accuracy: series[accuracy]?.[position] },
    ];
  });
  if (told.length === 0) return null;
  return (
    <p className={styles.accuracy}>
      {told.map(({ side, label, judgement, loss, accuracy }) => (
        <span key={side}>
          {label} {GLYPHS[judgement]} {judgement}, accuracy {fixed(accuracy, 1)}{" "}
          <span className={styles.loss}>L = {fixed(loss, 1)}</span>
        </span>
      ))}
    </p>
  );
}
