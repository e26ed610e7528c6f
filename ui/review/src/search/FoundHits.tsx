// Hits of a search beside the one that is shown.
import type { Hit } from "../api/schemas.ts";
import { Empty } from "../app/states.tsx";
import styles from "./FoundHits.module.css";
import { HitList } from "./HitList.tsx";
import { HitOfRow } from "./HitView.tsx";
import type { Question } from "./queries.ts";

interface Props {
  question: Question;
  /** The row that is shown. */
  row: number | undefined;
  show: (hit: Hit) => void;
}

export function FoundHits({ question, row, show }: Props) {
  return (
    <div className={styles.found}>
      <HitList key={JSON.stringify(question)} question={question} shown={row} show={show} />
      {row === undefined ? (
        <Empty>Choose a step, or press n for the first.</Empty>
      ) : (
        <HitOfRow question={question} row={row} />
      )}
    </div>
  );
}
