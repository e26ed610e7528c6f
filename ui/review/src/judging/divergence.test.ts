// @vitest-environment node
import { expect, test } from "vitest";
import { divergence, meanDivergence, normalised } from "./divergence.ts";

test("divergence is in nats, and 0 of equals", () => {
  expect(divergence([0.5, 0.5], [0.25, 0.75])).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 12);
  expect(divergence([0.2, 0.8], [0.2, 0.8])).toBe(0);
  expect(divergence([0, 1], [0.5, 0.5])).toBeCloseTo(Math.log(2), 12);
  expect(
    meanDivergence(
      [
        [1, 0],
        [0.5, 0.5],
      ],
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    ),
  ).toBeCloseTo(Math.log(2) / 2, 12);
});

test("a bin of nothing costs much, and not everything", () => {
  expect(divergence([1, 0], [0, 1])).toBeCloseTo(126 * Math.log(2), 9);
});

test("masses become a policy", () => {
  expect(normalised([1, 3, 0, 0])).toEqual([0.25, 0.75, 0, 0]);
  expect(normalised([0, 0, 0, 0])).toBeNull();
  expect(normalised([1, null, 0, 0])).toBeNull();
});
