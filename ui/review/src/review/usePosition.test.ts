import { expect, test } from "vitest";
import { placeOf } from "./usePosition.ts";

test("a step is found by its number, one that is missing by the next, one beyond the end by the last", () => {
  const steps = new Float32Array([3, 4, 7, 8]);
  expect([3, 4, 5, 7, 8].map((number) => placeOf(steps, number))).toEqual([0, 1, 2, 2, 3]);
  expect([0, 99].map((number) => placeOf(steps, number))).toEqual([0, 3]);
});
