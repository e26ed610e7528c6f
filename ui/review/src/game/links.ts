// Boards, seeds and moves as short text for addresses: a board is 16 digits of base 17 (`g` is 16), moves are packed
// three to a character.
import { type Board, CELLS, LARGEST, type Move } from "./rules.ts";
import { LARGEST_SEED } from "./spawn.ts";

const BOARD = /^[0-9a-g]{16}$/;
const PACKED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOVES_A_CHARACTER = 3;

export const boardText = (board: Board): string => board.map((rank) => rank.toString(LARGEST + 1)).join("");

/** The board in a text, null where there is none. */
export function boardOf(text: string | undefined): Board | null {
  if (!text || !BOARD.test(text)) return null;
  return Array.from(text, (digit) => Number.parseInt(digit, LARGEST + 1)).slice(0, CELLS);
}

/** The seed in a text of digits, null where it is none of 64 bits. */
export function seedOf(text: string | undefined): bigint | null {
  if (!text || !/^\d{1,20}$/.test(text)) return null;
  const seed = BigInt(text);
  return seed <= LARGEST_SEED ? seed : null;
}

/** The first character says how many moves the last one holds. */
export function movesText(moves: readonly Move[]): string {
  if (!moves.length) return "";
  let text = String(((moves.length - 1) % MOVES_A_CHARACTER) + 1);
  for (let at = 0; at < moves.length; at += MOVES_A_CHARACTER) {
    const [one = 0, two = 0, three = 0] = moves.slice(at, at + MOVES_A_CHARACTER);
    text += PACKED[one + 4 * two + 16 * three];
  }
  return text;
}

/** The moves in a text, none where it is damaged. */
export function movesOf(text: string | undefined): Move[] {
  if (!text || !/^[123][\w-]+$/.test(text)) return [];
  const moves = Array.from(text.slice(1)).flatMap((character) => {
    const three = PACKED.indexOf(character);
    return [three & 3, (three >> 2) & 3, three >> 4] as Move[];
  });
  return moves.slice(0, moves.length - MOVES_A_CHARACTER + Number(text[0]));
}
