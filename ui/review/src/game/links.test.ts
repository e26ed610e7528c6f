// @vitest-environment node
import { expect, test } from "vitest";
import { boardOf, boardText, movesOf, movesText, seedOf } from "./links.ts";
import type { Move } from "./rules.ts";

test.each([0, 1, 2, 3, 4, 5, 100])("%i moves come back from their text", (count) => {
  const moves = Array.from({ length: count }, (_, at) => ((at * 7 + count) % 4) as Move);
  const text = movesText(moves);
  expect(movesOf(text)).toEqual(moves);
  expect(text.length).toBe(count && 1 + Math.ceil(count / 3));
});

test("a board is 16 digits of base 17", () => {
  const board = [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0];
  expect(boardText(board)).toBe("gfedcba987654320");
  expect(boardOf("gfedcba987654320")).toEqual(board);
});

test.each(["", "123", "gfedcba98765432h", "gfedcba9876543200"])("%s is no board", (text) => {
  expect(boardOf(text)).toBeNull();
});

test("seeds have 64 bits", () => {
  expect(seedOf("18446744073709551615")).toBe(2n ** 64n - 1n);
  expect(seedOf("18446744073709551616")).toBeNull();
  expect(seedOf("-1")).toBeNull();
});

test.each(["x", "4AA", "1", "2A!"])("%s holds no moves", (text) => {
  expect(movesOf(text)).toEqual([]);
});
