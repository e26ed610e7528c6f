// The steps around the one that is shown. A new window is asked for when the last one has come, so that scrubbing
// never has more than one request under way; until then the old one stands, which is of the same run.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
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

export function useWindow(
  session: string,
  run: number,
  position: number,
  total: number,
  metrics: readonly string[],
  tokenize: boolean,
): StepWindow {
  const [offset, setOffset] = useState(() => centred(position, total));
  const columns = metrics.filter((name) => !NOT_OF_STEPS.has(name));
  const { data, error, isFetching, refetch } = useQuery({
    ...stepsQuery(session, run, offset, WINDOW, columns, tokenize),
    placeholderData: keepPreviousData,
  });
  const wanted = moved(offset, position, total);
  if (wanted !== offset && !isFetching) setOffset(wanted);
  return {
    run: data?.run,
    step: data?.steps[position - data.pagination.offset],
    tokensFault: data?.tokensFault ?? null,
    error,
    again: refetch,
  };
}

const NOT_OF_STEPS = new Set(["step_index", "accuracy", "model_accuracy"]);
