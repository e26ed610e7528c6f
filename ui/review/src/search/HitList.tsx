// Hits of a search, a virtual list that fetches on as it is scrolled; one of them is shown.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { Hit } from "../api/schemas.ts";
import { whole } from "../app/format.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { awayFromRow } from "./around.ts";
import styles from "./HitList.module.css";
import { HitSteps } from "./HitSteps.tsx";
import type { Question } from "./queries.ts";
import { useHits } from "./useHits.ts";

const ROW_HEIGHT = 30;

interface Props {
  question: Question;
  /** The row that is shown. */
  shown: number | undefined;
  show: (hit: Hit) => void;
}

export function HitList({ question, shown, show }: Props) {
  const [seen, setSeen] = useState(0);
  const found = useHits({ question, away: awayFromRow(shown), show, seen });
  const { hits, total, place, error, refetch } = found;
  const frame = useRef<HTMLElement>(null);
  const list = useVirtualizer({
    count: hits.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    onChange: (changed) => setSeen(changed.range?.endIndex ?? 0),
  });
  useEffect(() => {
    if (place >= 0) list.scrollToIndex(place, { align: "auto" });
  }, [place, list]);
  if (error && !hits.length) return <Failed error={error} again={refetch} />;
  if (total === undefined) return <Loading what="hits" />;
  if (!hits.length) return <Empty>No step meets these conditions.</Empty>;
  return (
    <div className={styles.list}>
      <HitSteps found={found} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <section ref={frame} className={styles.frame} tabIndex={0} aria-label="Hits">
        <ul style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map((item) => {
            const hit = hits[item.index]!;
            return (
              <li key={hit.row} style={{ transform: `translateY(${item.start}px)`, height: ROW_HEIGHT }}>
                <button type="button" aria-current={hit.row === shown || undefined} onClick={() => show(hit)}>
                  <span>run {hit.run_id}</span>
                  <span>step {whole(hit.step_index)}</span>
                  <span className={styles.row}>row {whole(hit.row)}</span>
                </button>
              </li>
            );
          })}
        </ul>
      </section>
    </div>
  );
}
