// @vitest-environment node
import { expect, test } from "vitest";
import { boardText } from "./links.ts";
import { parsePosition } from "./position.ts";

const read = (text: string, preferred?: "tiles") => {
  const found = parsePosition(text, preferred);
  return "fault" in found ? found.fault : [boardText(found.board), found.reading, found.isAmbiguous];
};

test.each([
  ["[6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]", "6531221011000000", "exponents", false],
  ["64 32 8 2\n4 4 2 .\n2 2 . .\n. . . .", "6531221011000000", "tiles", false],
  ["2,4,8,16,0,0,0,0,0,0,0,0,0,0,0,0", "248g000000000000", "exponents", true],
  ["0x1121230033004222", "1121230033004222", "exponents", false],
  [
    "http://127.0.0.1:8080/view/board?seed=3&board=gf00000000000000&moves=1A",
    "gf00000000000000",
    "exponents",
    false,
  ],
  ["gf00000000000000", "gf00000000000000", "exponents", false],
  ["65536 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2", "g000000000000001", "tiles", false],
])("%s is read", (text, board, reading, isAmbiguous) => {
  expect(read(text)).toEqual([board, reading, isAmbiguous]);
});

test("what can be either is read as it is preferred", () => {
  expect(read("2,4,8,16,0,0,0,0,0,0,0,0,0,0,0,0", "tiles")).toEqual(["1234000000000000", "tiles", true]);
});

test.each([
  ["1 2 3", "a board has 16 numbers, this has 3"],
  ["1 2 x", "“x” is no number of a board"],
  [
    "3 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "3 is neither a tile (2, 4 … 65536) nor an exponent (0 … 16) beside the others",
  ],
  [
    "99 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "99 is neither a tile (2, 4 … 65536) nor an exponent (0 … 16) beside the others",
  ],
])("%s is refused in words", (text, fault) => {
  expect(read(text)).toBe(fault);
});
