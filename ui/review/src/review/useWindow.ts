// The steps around the one that is shown. A new window is asked for when the last one has come, so that scrubbing
// never has more than one request under way; until then the old one stands, which is of the same run.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { stepsQuery } from "../api/queries.ts";
import type { Run, Step } from "../api/schemas.ts";
import { centred, moved, WINDOW } from "../step/window.ts";

export interface StepWindow {
  run: Run | undefined;
  /** The step that is shown, as soon as it is there. */
  step: Step | undefined;
  tokensFault: string | null;
  error: Error | null;
  again: () => void;
}

/** Names that every series knows, and no step. */
export const OF_SERIES = ["step_index", "accuracy", "model_accuracy"];
// how long one stays before the window of the next mistake is fetched
const STAYS_MS = 120;

/** upcoming: the step that one probably goes to next, or null; its window is fetched before it is asked for. */
export function useWindow(
  session: string,
  run: number,
  position: number,
  upcoming: number | null,
  total: number,
  metrics: readonly string[],
  tokenize: boolean,
): StepWindow {
  const [offset, setOffset] = useState(() => centred(position, total));
  const client = useQueryClient();
  const queryAt = useCallback(
    (first: number) => {
      const columns = metrics.filter((name) => !OF_SERIES.includes(name));
      return stepsQuery(session, run, first, WINDOW, columns, tokenize);
    },
    [session, run, metrics, tokenize],
  );
  const { data, error, isFetching, refetch } = useQuery({
    ...queryAt(offset),
    placeholderData: keepPreviousData,
  });
  const wanted = moved(offset, position, total);
  if (wanted !== offset && !isFetching) setOffset(wanted);
  const later = upcoming === null ? offset : moved(offset, upcoming, total);
  useEffect(() => {
    if (later === offset || isFetching) return;
    const timer = setTimeout(() => void client.prefetchQuery(queryAt(later)), STAYS_MS);
    return () => clearTimeout(timer);
  }, [later, offset, isFetching, client, queryAt]);
  return {
    run: data?.run,
    step: data?.steps[position - data.pagination.offset],
    tokensFault: data?.tokensFault ?? null,
    error,
    again: refetch,
  };
}
