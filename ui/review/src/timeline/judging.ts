// Judgements of all steps of a run, from how much each move loses and how good that makes it.
import { judge, UNKNOWN } from "../judging/accuracy.ts";

export function judgeAll(losses: Float32Array, accuracies: Float32Array): Uint8Array {
  return Uint8Array.from(losses, (loss, step) => judge(loss, accuracies[step]!));
}

/** Of a place in JUDGEMENTS: a mistake or a blunder. */
export const isMistake = (place: number): boolean => place >= 3 && place !== UNKNOWN;

/** The next step after `from` for which it holds, going round the end; null if there is none. */
export function next(
  length: number,
  from: number,
  by: 1 | -1,
  holds: (step: number) => boolean,
  round = false,
): number | null {
  for (let away = 1; away <= length; away += 1) {
    const step = from + by * away;
    if (!round && (step < 0 || step >= length)) return null;
    const place = ((step % length) + length) % length;
    if (holds(place)) return place;
  }
  return null;
}
