import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Run } from "../api/schemas.ts";
import { fixed, percent, whole } from "../app/format.ts";
import styles from "./RunList.module.css";

const HEIGHT = 52;

/** A page of runs; only those in sight are in the document. */
export function RunList({ runs, current }: { runs: readonly Run[]; current: number | undefined }) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: runs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 6,
  });
  const place = runs.findIndex((run) => run.run_id === current);
  useEffect(() => {
    if (place >= 0) rows.scrollToIndex(place, { align: "auto" });
  }, [place, rows]);
  return (
    <div ref={scroller} className={styles.scroller}>
      <ul style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const run = runs[row.index]!;
          return (
            <li key={run.run_id} style={{ transform: `translateY(${row.start}px)` }}>
              <Line run={run} isCurrent={run.run_id === current} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Line({ run, isCurrent }: { run: Run; isCurrent: boolean }) {
  return (
    <Link
      from="/view/review/$session"
      search={(before) => ({ ...before, run: run.run_id, step: undefined, sidebar: undefined })}
      aria-current={isCurrent ? "true" : undefined}
      className={styles.run}
    >
      <span className={styles.score}>{whole(run.max_score)}</span>
      <span>{whole(run.highest_tile)}</span>
      <span className={styles.name}>run {run.run_id}</span>
      <span className={styles.facts}>{whole(run.steps)} steps</span>
      <span className={styles.facts} title="steps at which the model plays another move">
        ≠ {percent(run.disagreement_rate)}
      </span>
      <span className={styles.facts} title="accuracy of the moves played">
        {run.accuracy === null ? "" : `acc ${fixed(run.accuracy, 1)}`}
      </span>
    </Link>
  );
}
