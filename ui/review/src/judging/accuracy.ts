// How good a move is between 0 and 100, and what it is called: the rules of `board/review/accuracy.py`.
import shipped from "../../../../src/railyard/board/review/accuracy.json";
import { JUDGEMENTS, type Judgement } from "../api/schemas.ts";

/** Accuracies from which on a move is called so; below the last one it is a blunder. */
const FROM = { good: 90, inaccuracy: 70, mistake: 40 } as const;

const SCALES: Record<string, Record<string, number>> = shipped.scales;
/** Whose λ the values of own endgame tables have: they are chances, too. */
const TWINS: Record<string, string> = { table11: "tuple11", table10: "tuple10" };
const OTHERWISE = "tuple11";

/** λ of a valuation at an exponent of the largest tile; a tile that has none takes the nearest one's. */
export function scaleOf(valuation: string, highest: number): number {
  const known = SCALES[valuation] ?? SCALES[TWINS[valuation] ?? OTHERWISE] ?? {};
  const ranks = Object.keys(known).map(Number);
  const nearest = ranks.reduce((one, other) =>
    Math.abs(other - highest) < Math.abs(one - highest) ? other : one,
  );
  return known[nearest] as number;
}

/** 100 exp(-loss / λ) of a loss in thousandths of an EV. */
export const accuracyOf = (loss: number, scale: number): number => 100 * Math.exp(-Math.max(loss, 0) / scale);

export const UNKNOWN = 255;

/** Place in JUDGEMENTS; UNKNOWN where the loss is not known. */
export function judge(loss: number, accuracy: number): number {
  if (Number.isNaN(loss) || Number.isNaN(accuracy)) return UNKNOWN;
  if (loss <= 0) return 0;
  if (accuracy >= FROM.good) return 1;
  if (accuracy >= FROM.inaccuracy) return 2;
  return accuracy >= FROM.mistake ? 3 : 4;
}

/** What a move of this loss is called; null where the loss is not known. */
export function judgementOf(loss: number | null, scale: number): Judgement | null {
  return loss === null ? null : (JUDGEMENTS[judge(loss, accuracyOf(loss, scale))] ?? null);
}

/** The smallest loss of a blunder. */
export const blunderLoss = (scale: number): number => -scale * Math.log(FROM.mistake / 100);
