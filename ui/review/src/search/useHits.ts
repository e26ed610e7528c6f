// The hits of a search as far as they are fetched, where one stands among them, and the keys that go through them.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Hit } from "../api/schemas.ts";
import { useKeys } from "../app/keys.tsx";
import { hitsQuery, type Question } from "./queries.ts";

const AHEAD = 20; // hits that are fetched before they are needed

/** isShown: which hit one stands at. seen: up to which one is looked at. */
export function useHits(
  question: Question,
  isShown: (hit: Hit) => boolean,
  show: (hit: Hit) => void,
  seen = 0,
) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(
    hitsQuery(question),
  );
  const hits = data?.pages.flatMap((page) => page.hits) ?? [];
  const place = hits.findIndex(isShown);
  const last = Math.max(seen, place);
  useEffect(() => {
    if (hasNextPage && !isFetching && !error && last >= hits.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetching, error, fetchNextPage, last, hits.length]);
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
