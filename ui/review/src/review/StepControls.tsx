// Steps forth and back: one, to a disagreement, to a mistake; by button and by key.
import type { Series } from "../api/queries.ts";
import { whole } from "../app/format.ts";
import { type Key, namesOf, useKeys } from "../app/keys.tsx";
import { isMistake, next } from "../timeline/judging.ts";
import styles from "./StepControls.module.css";

interface Props {
  series: Series;
  judged: Uint8Array;
  position: number;
  go: (position: number) => void;
}

export function StepControls({ series, judged, position, go }: Props) {
  const total = series.step_index!.length;
  const jump = (by: 1 | -1, holds: (step: number) => boolean) => {
    const found = next(total, position, by, holds);
    if (found !== null) go(found);
  };
  const isWrong = (step: number) => isMistake(judged[step]!);
  const differs = (step: number) => (series.disagreement?.[step] ?? 0) > 0;
  const differsInEv = (step: number) => (series.ev_disagreement?.[step] ?? 0) > 0;
  const shown: (Key & { sign: string })[] = [
    { key: "M", label: "Previous mistake or blunder", sign: "« ??", run: () => jump(-1, isWrong) },
    { key: "[", label: "Previous disagreement", sign: "« ≠", run: () => jump(-1, differs) },
    { key: ["h", "ArrowLeft"], label: "Previous step", sign: "‹", run: () => go(position - 1) },
    { key: ["l", "ArrowRight"], label: "Next step", sign: "›", run: () => go(position + 1) },
    { key: "]", label: "Next disagreement", sign: "≠ »", run: () => jump(1, differs) },
    { key: "m", label: "Next mistake or blunder", sign: "?? »", run: () => jump(1, isWrong) },
  ];
  useKeys([
    ...shown,
    { key: "Home", label: "First step", run: () => go(0) },
    { key: "End", label: "Last step", run: () => go(total - 1) },
    { key: "}", label: "Next EV disagreement", run: () => jump(1, differsInEv) },
    { key: "{", label: "Previous EV disagreement", run: () => jump(-1, differsInEv) },
  ]);
  return (
    <div className={styles.controls}>
      {shown.map(({ key, label, sign, run }) => (
        <button
          key={label}
          type="button"
          onClick={run}
          aria-label={label}
          title={`${label} (${namesOf({ key, label, run })[0]})`}
        >
          {sign}
        </button>
      ))}
      <output className={styles.place}>
        step <strong>{whole(series.step_index![position])}</strong>, {whole(position + 1)} of {whole(total)}
      </output>
    </div>
  );
}
