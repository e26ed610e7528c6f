// Hits of a search, a virtual list that fetches on as it is scrolled; one of them is shown, `n` and `p` go through them.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Hit } from "../api/schemas.ts";
import { whole } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { Empty, Failed, Loading } from "../app/states.tsx";
import styles from "./HitList.module.css";
import { hitsQuery, type Question } from "./queries.ts";

const ROW_HEIGHT = 30;
const AHEAD = 20;

interface Props {
  question: Question;
  /** The row that is shown. */
  shown: number | undefined;
  show: (hit: Hit) => void;
}

export function HitList({ question, shown, show }: Props) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(
    hitsQuery(question),
  );
  const hits = data?.pages.flatMap((page) => page.hits) ?? [];
  const total = data?.pages[0]?.total ?? 0;
  const place = hits.findIndex((hit) => hit.row === shown);
  const frame = useRef<HTMLElement>(null);
  const list = useVirtualizer({
    count: hits.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const rows = list.getVirtualItems();
  const last = Math.max(rows.at(-1)?.index ?? 0, place);
  useEffect(() => {
    if (hasNextPage && !isFetching && last >= hits.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, last, hits.length]);

  const go = (by: number) => {
    const next = place < 0 ? 0 : Math.min(Math.max(place + by, 0), hits.length - 1);
    const hit = hits[next];
    if (!hit) return;
    show(hit);
    list.scrollToIndex(next, { align: "auto" });
  };
  useKeys([
    { key: "n", label: "Next hit", run: () => go(1) },
    { key: "p", label: "Previous hit", run: () => go(-1) },
  ]);
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="hits" />;
  if (!hits.length) return <Empty>No step meets these conditions.</Empty>;
  return (
    <div className={styles.list}>
      <div className={styles.head}>
        <span>
          {place < 0 ? "" : `${whole(place + 1)} of `}
          <strong>{whole(total)}</strong> {total === 1 ? "step" : "steps"}
        </span>
        <button type="button" onClick={() => go(-1)} disabled={place <= 0}>
          Previous
        </button>
        <button type="button" onClick={() => go(1)} disabled={place === hits.length - 1}>
          Next
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <section ref={frame} className={styles.frame} tabIndex={0} aria-label="Hits">
        <ul style={{ height: list.getTotalSize() }}>
          {rows.map((row) => {
            const hit = hits[row.index]!;
            return (
              <li key={hit.row} style={{ transform: `translateY(${row.start}px)`, height: ROW_HEIGHT }}>
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
