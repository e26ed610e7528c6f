// How many moves are how good, of the moves played and of the model's; a count is a button that goes through them.
import { useMemo } from "react";
import { JUDGEMENTS, type Judgement, type Run } from "../api/schemas.ts";
import { fixed } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { next } from "../timeline/judging.ts";
import styles from "./JudgementCounts.module.css";
import type { Judged } from "./RunView.tsx";
import { SIDES, type Side } from "./search.ts";

export const GLYPHS: Record<Judgement, string> = {
  best: "★",
  good: "✓",
  inaccuracy: "?!",
  mistake: "?",
  blunder: "??",
};

interface Props {
  run: Run | undefined;
  judged: Judged;
  side: Side;
  position: number;
  go: (position: number) => void;
  choose: (side: Side) => void;
}

const NAMES: Record<Side, string> = { played: "moves played", model: "model's moves" };

export function JudgementCounts({ run, judged, side, position, go, choose }: Props) {
  const cycle = (of: Side, judgement: number) => {
    const found = next(judged[of].length, position, 1, (step) => judged[of][step] === judgement, true);
    if (found === null) return;
    choose(of);
    go(found);
  };
  useKeys(
    JUDGEMENTS.map((name, place) => ({
      key: String(place + 1),
      label: `Next move judged ${name}`,
      run: () => cycle(side, place),
    })),
  );
  if (run && run.judgements === null && run.model_judgements === null) {
    return <p className={styles.none}>Accuracy: not available, this pool has no values of moves.</p>;
  }
  return (
    <div className={styles.counts}>
      {SIDES.map((of) => (
        <OneSide
          key={of}
          of={of}
          run={run}
          judged={judged[of]}
          isChosen={of === side}
          cycle={cycle}
          choose={choose}
        />
      ))}
      <details className={styles.formula}>
        <summary>How accuracy is computed</summary>
        <p>
          A move that loses L thousandths of an EV against the best move has the accuracy 100 · exp(−L / λ). λ
          depends on what the EVs are and on the largest tile, and is such that a random legal move averages
          50. A run's accuracy is the mean over its moves.
        </p>
        <p>
          {GLYPHS.best} best: L = 0; {GLYPHS.good} good: from 90; {GLYPHS.inaccuracy} inaccuracy: from 70;{" "}
          {GLYPHS.mistake} mistake: from 40; {GLYPHS.blunder} blunder: below. Moves of unknown loss count
          nowhere.
        </p>
      </details>
    </div>
  );
}

function countsOf(judged: Uint8Array): Uint32Array {
  const counts = new Uint32Array(JUDGEMENTS.length);
  for (const judgement of judged) if (judgement < counts.length) counts[judgement]! += 1;
  return counts;
}

interface SideProps {
  of: Side;
  run: Run | undefined;
  judged: Uint8Array;
  isChosen: boolean;
  cycle: (side: Side, judgement: number) => void;
  choose: (side: Side) => void;
}

function OneSide({ of, run, judged, isChosen, cycle, choose }: SideProps) {
  const counts = useMemo(() => countsOf(judged), [judged]);
  const accuracy = of === "played" ? run?.accuracy : run?.model_accuracy;
  return (
    <div className={styles.side}>
      <button
        type="button"
        aria-pressed={isChosen}
        onClick={() => choose(of)}
        title="mark these on the timeline"
      >
        {NAMES[of]} {fixed(accuracy, 1)}
      </button>
      {JUDGEMENTS.map((name, place) => (
        <button
          key={name}
          type="button"
          className={styles[name]}
          disabled={counts[place] === 0}
          onClick={() => cycle(of, place)}
          aria-label={`${counts[place]} ${name} of the ${NAMES[of]}: go to the next`}
        >
          <span aria-hidden="true">{GLYPHS[name]}</span> {counts[place]}
        </button>
      ))}
    </div>
  );
}
