// What the URL of the review page says.
import * as z from "zod/mini";
import { flag, oneOf, whole, words } from "../app/search_params.ts";

export const PAGE_SIZES = [25, 50, 100, 250] as const;
export const SIDES = ["played", "model"] as const;
/** Whose moves are judged: those played, or those of the model. */
export type Side = (typeof SIDES)[number];

export const ReviewSearch = z.object({
  run: whole,
  /** Number of the step as its row says it. */
  step: whole,
  /** The search whose hits are gone through. */
  where: words,
  sort: words,
  runs_page: whole,
  runs_page_size: oneOf(PAGE_SIZES),
  runs_where: words,
  runs_sort: words,
  /** By default open where there is room. */
  sidebar: oneOf(["open", "closed"]),
  graph: words,
  side: oneOf(SIDES),
  tokens: flag,
  bins: flag,
});
export type ReviewSearch = z.infer<typeof ReviewSearch>;

export const DEFAULTS = {
  runs_page: 1,
  runs_page_size: 25,
  runs_where: "",
  runs_sort: "-max_score",
} as const;
