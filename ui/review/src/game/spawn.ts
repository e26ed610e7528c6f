// The random tiles of a game, each a pure function of (seed, number of the tile), as `board/game/spawn.py` draws them.
//
// Tiles 0 and 1 open a game, tile k + 2 answers move k. So seed and moves replay a game, here and in Python.
import type { Board } from "./rules.ts";

export const OPENING_TILES = 2;
export const LARGEST_SEED = 2n ** 64n - 1n;

const MASK = LARGEST_SEED;
const LOW_HALF = 0xffffffffn;
const GOLDEN = 0x9e3779b97f4a7c15n;
const GAME = 0n; // the number of every game: each has a seed of its own

/** Takes a number into the state: one step of splitmix64 (Steele, Lea and Flood 2014). */
function mixed(state: bigint, number: bigint): bigint {
  let z = (state + number + GOLDEN) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

/** What the random numbers of a game are drawn from. */
export const keyOf = (seed: bigint): bigint => mixed(mixed(0n, seed & MASK), GAME);

/** The board with one more tile, a 2 with probability 0.9 or else a 4; it must have an empty cell. */
export function spawned(board: Board, key: bigint, tile: number): Board {
  const word = mixed(key, BigInt(tile));
  const empty = board.flatMap((rank, cell) => (rank === 0 ? [cell] : []));
  const chosen = Number(((word >> 32n) * BigInt(empty.length)) >> 32n);
  const isFour = ((word & LOW_HALF) * 10n) >> 32n === 0n;
  const place = empty[empty.length - 1 - chosen]; // counted from the last cell up
  return board.map((rank, cell) => (cell === place ? (isFour ? 2 : 1) : rank));
}

/** The first board of a game: two tiles. */
export function opening(key: bigint): Board {
  let board: Board = Array.from({ length: 16 }, () => 0);
  for (let tile = 0; tile < OPENING_TILES; tile++) board = spawned(board, key, tile);
  return board;
}

/** The afterstate of move number `move` (from 0) with its new tile. */
export const tileAfter = (board: Board, key: bigint, move: number): Board =>
  spawned(board, key, move + OPENING_TILES);
