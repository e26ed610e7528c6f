import { expect, test } from "vitest";
import { bars, binNames, divergence, entropy, roleOf } from "./bins.ts";

test("names are the tokenizer's where it has as many", () => {
  expect(binNames(3, ["ILLEGAL", "BIN_0", "WINNER"])).toEqual(["ILLEGAL", "BIN_0", "WINNER"]);
  expect(binNames(2, ["ILLEGAL", "BIN_0", "WINNER"])).toEqual(["bin 0", "bin 1"]);
  expect(binNames(1, null)).toEqual(["bin 0"]);
  expect(["ILLEGAL", "FAILURE", "BIN_7", "WINNER"].map(roleOf)).toEqual([
    "illegal",
    "failure",
    "bin",
    "winner",
  ]);
});

test("entropy and divergence in nats", () => {
  expect(entropy([0.5, 0.5])).toBeCloseTo(Math.LN2);
  expect(entropy([2, 2])).toBeCloseTo(Math.LN2);
  expect(entropy([1, 0, null])).toBe(0);
  expect(divergence([0.25, 0.75], 0)).toBeCloseTo(Math.log(4));
  expect(divergence([0, 1], 0)).toBe(Number.POSITIVE_INFINITY);
});

test("bars have a least height, and the likeliest is the most opaque", () => {
  const [small, large] = bars([0.01, 0.99]);
  expect(small?.height).toBe(0.06);
  expect(large?.height).toBeCloseTo(0.99);
  expect(large?.alpha).toBeCloseTo(0.8);
  expect(small?.alpha).toBeCloseTo(0.18 + (0.62 * 0.01) / 0.99);
});
