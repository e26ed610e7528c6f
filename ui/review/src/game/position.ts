// A position as people have it: 16 numbers, exponents or tiles; the 64-bit word of a log; a link of the viewer.
import { boardOf } from "./links.ts";
import { type Board, CELLS, LARGEST } from "./rules.ts";

export type Reading = "exponents" | "tiles";

export type Parsed =
  | {
      board: Board;
      reading: Reading /** Whether the other reading is possible, too. */;
      isAmbiguous: boolean;
    }
  | { fault: string };

const WORD = /^0x([0-9a-f]{16})$/i;
const LINK = /[?&]board=([0-9a-g]{16})(?:&|#|$)/;

/** Reads a position; where 16 numbers can be either, `preferred` decides. */
export function parsePosition(text: string, preferred: Reading = "exponents"): Parsed {
  const trimmed = text.trim();
  const exact =
    boardOf(LINK.exec(trimmed)?.[1] ?? trimmed) ?? boardOf(WORD.exec(trimmed)?.[1]?.toLowerCase());
  if (exact) return { board: exact, reading: "exponents", isAmbiguous: false };
  const words = trimmed
    .replace(/[[\]()|,;]/g, " ")
    .split(/\s+/)
    .filter(Boolean);
  const strange = words.find((word) => !/^(\d{1,6}|[.\-_])$/.test(word));
  if (strange !== undefined) return { fault: `“${strange.slice(0, 20)}” is no number of a board` };
  if (words.length !== CELLS) return { fault: `a board has 16 numbers, this has ${words.length}` };
  return ofNumbers(
    words.map((word) => (/\d/.test(word) ? Number(word) : 0)),
    preferred,
  );
}

function ofNumbers(numbers: number[], preferred: Reading): Parsed {
  const asExponents = numbers.every((number) => number <= LARGEST) ? numbers : null;
  const tiles = numbers.map(exponentOf);
  const asTiles = tiles.includes(-1) ? null : tiles;
  if (asExponents && asTiles) {
    const isSame = numbers.every((number) => number === 0);
    return { board: preferred === "tiles" ? asTiles : asExponents, reading: preferred, isAmbiguous: !isSame };
  }
  if (asExponents) return { board: asExponents, reading: "exponents", isAmbiguous: false };
  if (asTiles) return { board: asTiles, reading: "tiles", isAmbiguous: false };
  const strange =
    numbers.find((number) => number > LARGEST && exponentOf(number) < 0) ??
    numbers.find((number) => exponentOf(number) < 0);
  return { fault: `${strange} is neither a tile (2, 4 … 65536) nor an exponent (0 … 16) beside the others` };
}

/** The exponent of a tile, 0 of an empty cell, -1 where there is no such tile. */
function exponentOf(tile: number): number {
  if (tile === 0) return 0;
  const exponent = Math.log2(tile);
  return Number.isInteger(exponent) && exponent >= 1 && exponent <= LARGEST ? exponent : -1;
}

/** 16 exponents, as `/analyze` and packs have them. */
export const numbersText = (board: Board): string => `[${board.join(", ")}]`;
