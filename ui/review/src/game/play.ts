// A game as a value: where it began, its seed, and the moves made. Everything else follows from them.
import { type Board, legalMoves, type Move, moved } from "./rules.ts";
import { keyOf, opening, tileAfter } from "./spawn.ts";

export const NO_LEGAL_MOVE = "no legal move";
export const TILE_TOO_LARGE = "the next tile would be 131072, which no board holds";
export type End = typeof NO_LEGAL_MOVE | typeof TILE_TOO_LARGE;

interface Position {
  board: Board;
  /** Points of the moves, without what the first board was worth. */
  score: number;
  ended: End | null;
}

export interface Game extends Position {
  seed: bigint;
  /** Where it began; null: at the two tiles of its seed. */
  start: Board | null;
  moves: readonly Move[];
}

export function newGame(seed: bigint, start: Board | null = null): Game {
  return replayed(seed, start, []);
}

/** The position after move number `number`; null where the move cannot be made. */
function after(position: Position, key: bigint, number: number, move: Move): Position | null {
  if (position.ended) return null;
  const next = moved(position.board, move);
  if (next.makes17) return { ...position, ended: TILE_TOO_LARGE };
  if (next.board.every((rank, cell) => rank === position.board[cell])) return null;
  return arrived(tileAfter(next.board, key, number), position.score + next.reward);
}

const arrived = (board: Board, score: number): Position => ({
  board,
  score,
  ended: legalMoves(board).includes(true) ? null : NO_LEGAL_MOVE,
});

/** The game after a move; the same game where the move is illegal or the game has ended. */
export function played(game: Game, move: Move): Game {
  const next = after(game, keyOf(game.seed), game.moves.length, move);
  return next ? { ...game, ...next, moves: [...game.moves, move] } : game;
}

/** The game of these moves; it stops before the first that cannot be made. */
export function replayed(seed: bigint, start: Board | null, moves: readonly Move[]): Game {
  const key = keyOf(seed);
  let position = arrived(start ?? opening(key), 0);
  for (const [number, move] of moves.entries()) {
    const next = after(position, key, number, move);
    if (!next) return { ...position, seed, start, moves: moves.slice(0, number) };
    position = next;
  }
  return { ...position, seed, start, moves };
}

export const undone = (game: Game): Game => replayed(game.seed, game.start, game.moves.slice(0, -1));
