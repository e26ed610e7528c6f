import { expect, test } from "vitest";
import { judgeAll, next } from "./judging.ts";
import { alphaOf, shares } from "./strip.ts";

test("a segment's share is of the steps that it has", () => {
  const differs = new Float32Array(20);
  differs.set([1, 1, Number.NaN], 0);
  differs[17] = 1;
  expect([...shares(differs)]).toEqual([2 / 16, 1 / 4]);
  expect(alphaOf(0)).toBeCloseTo(0.1);
  expect(alphaOf(1)).toBeCloseTo(1);
  expect(alphaOf(0.5)).toBeCloseTo(0.1 + 0.9 * 0.5 ** 0.7);
});

test("each step of a run is judged by its loss and its accuracy", () => {
  expect([...judgeAll(new Float32Array([0, 5]), new Float32Array([100, 10]))]).toEqual([0, 4]);
});

test("going round visits every step that is meant and skips none", () => {
  const marked = new Set([0, 3, 4, 9]);
  const seen: number[] = [];
  let at = 5;
  for (let turn = 0; turn < 4; turn += 1) {
    at = next(10, at, 1, (step) => marked.has(step), true)!;
    seen.push(at);
  }
  expect(seen).toEqual([9, 0, 3, 4]);
  expect(next(10, 4, 1, (step) => step === 4, true)).toBe(4);
  expect(next(10, 9, 1, () => true)).toBe(null);
  expect(next(10, 5, -1, (step) => marked.has(step))).toBe(4);
});
