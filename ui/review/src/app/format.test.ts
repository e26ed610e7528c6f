import { expect, test } from "vitest";
import { fixed, percent, signed, whole } from "./format.ts";

test("numbers are written alike everywhere, and what is unknown is a dash", () => {
  expect([whole(-1234567), fixed(-1.005, 1), signed(5), signed(-5), signed(0)]).toEqual([
    "−1,234,567",
    "−1.0",
    "+5",
    "−5",
    "0",
  ]);
  expect([fixed(Number.NEGATIVE_INFINITY, 2), percent(0.125)]).toEqual(["−∞", "12.5 %"]);
  expect([whole(null), fixed(undefined, 1), signed(Number.NaN), percent(null)]).toEqual(["–", "–", "–", "–"]);
});
