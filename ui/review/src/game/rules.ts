// The rules of 2048 as `railyard.board.game` has them: tiles slide, equal neighbours merge once, at any exponent.
//
// A board is 16 exponents row by row, 0 empty and at most 16 (tile 65536). Moves are UDLR = 0, 1, 2, 3.
export type Board = readonly number[];
export type Move = 0 | 1 | 2 | 3;

export const MOVES: readonly Move[] = [0, 1, 2, 3];
export const CELLS = 16;
/** The largest exponent that a board holds: a move that would make a larger one ends the game before it. */
export const LARGEST = 16;

export interface Moved {
  board: Board;
  /** The sum of the merged tiles. */
  reward: number;
  /** Whether two 16s merged: such a board cannot be kept. */
  makes17: boolean;
}

/** First cell and step of the four lines of a move, from the side that tiles slide to. */
function lineOf(move: Move, line: number): [first: number, step: number] {
  if (move === 0) return [line, 4];
  if (move === 1) return [12 + line, -4];
  return move === 2 ? [4 * line, 1] : [4 * line + 3, -1];
}

/** Slides one line of `cells` in place; the merge reward. */
function slide(cells: number[], first: number, step: number): number {
  let reward = 0;
  let free = first;
  let mayMerge = false;
  for (let place = 0; place < 4; place++) {
    const cell = first + place * step;
    const rank = cells[cell] as number;
    cells[cell] = 0;
    if (rank === 0) continue;
    if (mayMerge && cells[free - step] === rank) {
      cells[free - step] = rank + 1;
      reward += 2 ** (rank + 1);
      mayMerge = false;
    } else {
      cells[free] = rank;
      free += step;
      mayMerge = true;
    }
  }
  return reward;
}

/** The board after a move, before its new tile; an illegal move changes nothing. */
export function moved(board: Board, move: Move): Moved {
  const cells = [...board];
  let reward = 0;
  for (let line = 0; line < 4; line++) reward += slide(cells, ...lineOf(move, line));
  return { board: cells, reward, makes17: cells.some((rank) => rank > LARGEST) };
}

/** Which moves change the board, UDLR. */
export function legalMoves(board: Board): boolean[] {
  return MOVES.map((move) => moved(board, move).board.some((rank, cell) => rank !== board[cell]));
}

export const highest = (board: Board): number => Math.max(...board);
