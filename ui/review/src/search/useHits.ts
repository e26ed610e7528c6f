// The hits of a search as far as they are fetched, where one stands among them, and the keys that go through them.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Hit } from "../api/schemas.ts";
import { useKeys } from "../app/keys.tsx";
import { hitsQuery, type Question } from "./queries.ts";

const AHEAD = 20; // hits that are fetched before they are needed
const MOST_SOUGHT = 20_000; // hits that are fetched to find the place of one that a link names

interface Asked {
  question: Question;
  /** Which hit one stands at. */
  isShown: (hit: Hit) => boolean;
  /** Whether that one may stand behind the last hit that is fetched. */
  isAhead: (last: Hit) => boolean;
  show: (hit: Hit) => void;
  /** Up to which hit one has looked. */
  seen?: number;
}

export function useHits({ question, isShown, isAhead, show, seen = 0 }: Asked) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(
    hitsQuery(question),
  );
  const hits = data?.pages.flatMap((page) => page.hits) ?? [];
  const place = hits.findIndex(isShown);
  const isNear = Math.max(seen, place) >= hits.length - AHEAD;
  const last = hits.at(-1);
  const wantsMore = isNear || (last && place < 0 && hits.length < MOST_SOUGHT && isAhead(last));
  useEffect(() => {
    if (wantsMore && hasNextPage && !isFetching && !error) void fetchNextPage();
  }, [wantsMore, hasNextPage, isFetching, error, fetchNextPage]);
  const go = (by: 1 | -1) => {
    const hit = hits[place < 0 ? 0 : place + by];
    if (hit) show(hit);
  };
  useKeys([
    { key: "n", label: "Next hit", run: () => go(1) },
    { key: "p", label: "Previous hit", run: () => go(-1) },
  ]);
  return { hits, total: data?.pages[0]?.total, place, go, error, refetch };
}
