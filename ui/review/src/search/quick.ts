// Searches that people want often, as conditions; one that a session has no columns for says why.
import { blunderLoss, scaleOf } from "../judging/accuracy.ts";
import type { Columns } from "./queries.ts";

export interface QuickFilter {
  label: string;
  /** What it finds, in a sentence. */
  about: string;
  where: string | null;
}

/** From this largest tile on λ of a search hardly changes; below, boards are too early to call much a blunder. */
const SETTLED = 7;

/** The least loss that is a blunder whatever the largest tile is, from 128 on. */
function surelyBlunder(): number {
  const losses = Array.from({ length: 17 - SETTLED }, (_, at) =>
    blunderLoss(scaleOf("search", SETTLED + at)),
  );
  return Math.ceil(Math.max(...losses));
}

export function quickFilters({ columns, valuations }: Columns): QuickFilter[] {
  const percentiles = new Map(columns.map((column) => [column.name, column.percentiles]));
  const isKnown = (name: string) => percentiles.get(name)?.some((value) => value !== null) ?? false;
  const spike = percentiles.get("entropy")?.at(-1) ?? null;
  const blunder = (column: string) =>
    isKnown(column) && valuations.includes("search")
      ? `valuation=search, max_rank>=${SETTLED}, ${column}>=${surelyBlunder()}`
      : null;
  return [
    {
      label: "Entropy spikes",
      about: "The model is as undecided as on one step of a hundred: at least the session's 99th percentile.",
      where: spike === null ? null : `entropy>=${spike}`,
    },
    {
      label: "Low-confidence wins",
      about:
        "The model agrees with the teacher, in self-play with the move played, at a probability below one half.",
      where: isKnown("model_top_prob") ? "disagreement=0, model_top_prob<0.5" : null,
    },
    {
      label: "Blunders of the model",
      about: `Its move loses at least ${surelyBlunder()} thousandths of an EV: a blunder at every largest tile from 128 on.`,
      where: blunder("ev_loss"),
    },
    {
      label: "Blunders of the player",
      about: `The move played loses at least ${surelyBlunder()} thousandths of an EV.`,
      where: blunder("played_loss"),
    },
    {
      label: "Illegal argmax",
      about: "The head with most mass is a move that the board does not have.",
      where: percentiles.has("illegal_argmax") ? "illegal_argmax=1" : null,
    },
    {
      label: "Action disagreement",
      about: "The model's move is not the one recorded.",
      where: isKnown("disagreement") ? "disagreement=1" : null,
    },
    {
      label: "EV disagreement",
      about: "The model's move is worth less than the best.",
      where: isKnown("ev_disagreement") ? "ev_disagreement=1" : null,
    },
  ];
}

/** The conditions as the `query` filter of a mix of a training config. */
export function filterText(where: string): string {
  return `filter: {name: query, params: {where: ${JSON.stringify(where)}}}`;
}
