import { expect, test } from "vitest";
import { inWords, tileOf } from "./Board.tsx";

test("a board is told row by row", () => {
  const exponents = [0, 1, 2, 16, ...new Array<number>(12).fill(0)];
  expect(inWords(exponents)).toBe(
    "Board, row by row: empty 2 4 65536; empty empty empty empty; empty empty empty empty; empty empty empty empty",
  );
  expect(tileOf(0)).toBe("");
});
