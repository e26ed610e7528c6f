// Which step of the run is shown. It changes at once; the URL follows when one stays.
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { Change } from "./ReviewPage.tsx";

const STAYS_MS = 200;

/** The place of a step by its number; of one that the run lacks, the next one. */
export function placeOf(steps: Float32Array, number: number): number {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The step that is shown, for who acts before the URL has followed. */
export type Shown = RefObject<{ step: number; show: (step: number) => void } | undefined>;

export function usePosition(steps: Float32Array, asked: number | undefined, change: Change, shown: Shown) {
  const [position, setPosition] = useState(() => (asked === undefined ? 0 : placeOf(steps, asked)));
  const written = useRef(asked);
  useEffect(() => {
    if (asked === written.current) return;
    written.current = asked;
    setPosition(asked === undefined ? 0 : placeOf(steps, asked));
  }, [asked, steps]);
  useEffect(() => {
    const step = steps[position];
    if (step === (written.current ?? steps[0])) return;
    const timer = setTimeout(() => {
      written.current = step;
      change({ step });
    }, STAYS_MS);
    return () => clearTimeout(timer);
  }, [position, steps, change]);
  useEffect(() => {
    const show = (step: number) => {
      written.current = step;
      setPosition(placeOf(steps, step));
    };
    shown.current = { step: steps[position]!, show };
    return () => {
      shown.current = undefined;
    };
  }, [position, steps, shown]);
  const last = steps.length - 1;
  const go = useCallback((next: number) => setPosition(Math.max(0, Math.min(next, last))), [last]);
  return { position, go };
}
