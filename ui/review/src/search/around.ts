// Which hits are before and behind the step that is shown, be it a hit itself or not.
import type { Hit } from "../api/schemas.ts";

/** Of a hit: 0 it is shown, below 0 it is before what is shown, above 0 behind it; NaN: the order says nothing of that. */
export type Away = (hit: Hit) => number;

export interface Around {
  /** The hit before, which may be none: -1. */
  before: number;
  /** The hit that is shown; -1 none is. */
  place: number;
  /** The hit behind, which may be none: the number of hits. */
  behind: number;
}

/** Places among the hits. Where the order says nothing, one stands before all of them. */
export function around(hits: readonly Hit[], away: Away): Around {
  const place = hits.findIndex((hit) => away(hit) === 0);
  if (place >= 0) return { before: place - 1, place, behind: place + 1 };
  const found = hits.findIndex((hit) => !(away(hit) < 0));
  const behind = found < 0 ? hits.length : found;
  return { before: behind - 1, place, behind };
}

/** From a row of the pool; undefined: from before the first. */
export const awayFromRow =
  (row: number | undefined): Away =>
  (hit) =>
    row === undefined ? 1 : hit.row === row ? 0 : Number.NaN;

/** From a step of a run; without a sort hits come run by run, and a run without a step is at its beginning. */
export const awayFromStep =
  (run: number | undefined, step: number | undefined, sort: string): Away =>
  (hit) => {
    if (run === undefined) return 1;
    const away = hit.run_id - run || hit.step_index - (step ?? -1);
    return sort === "" || away === 0 ? away : Number.NaN;
  };
