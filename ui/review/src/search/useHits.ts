// The hits of a search as far as they are fetched, where one stands among them, and the keys that go through them.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Hit } from "../api/schemas.ts";
import { useKeys } from "../app/keys.tsx";
import { type Away, around } from "./around.ts";
import { hitsQuery, type Question } from "./queries.ts";

const AHEAD = 20; // hits that are fetched before they are needed
const MOST_SOUGHT = 20_000; // hits that are fetched to find the place of one that a link names

interface Asked {
  question: Question;
  /** From what is shown, as it is drawn. */
  away: Away;
  /** From what is shown when one goes on, where that may be another step by then. */
  awayNow?: Away;
  show: (hit: Hit) => void;
  /** Up to which hit one has looked. */
  seen?: number;
}

export function useHits({ question, away, awayNow = away, show, seen = 0 }: Asked) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(
    hitsQuery(question),
  );
  const hits = data?.pages.flatMap((page) => page.hits) ?? [];
  const drawn = around(hits, away);
  const isNear = Math.max(seen, drawn.place) >= hits.length - AHEAD;
  const last = hits.at(-1);
  const isSought = last && drawn.place < 0 && !(away(last) > 0);
  const wantsMore = isNear || (isSought && hits.length < MOST_SOUGHT);
  useEffect(() => {
    if (wantsMore && hasNextPage && !isFetching && !error) void fetchNextPage();
  }, [wantsMore, hasNextPage, isFetching, error, fetchNextPage]);
  const go = (to: "before" | "behind") => {
    const hit = hits[around(hits, awayNow)[to]];
    if (hit) show(hit);
  };
  useKeys([
    { key: "n", label: "Next hit", run: () => go("behind") },
    { key: "p", label: "Previous hit", run: () => go("before") },
  ]);
  return { hits, total: data?.pages[0]?.total, ...drawn, go, error, refetch };
}
