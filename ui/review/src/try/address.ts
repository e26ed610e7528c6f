// What the address of the board page says: where the game began, its seed, the moves made, what is asked of the board.
import * as z from "zod/mini";
import { flag, oneOf, words } from "../app/search_params.ts";

export const DEPTHS = [1, 2, 3, 4, 5, 6] as const;
export const DEFAULT_DEPTH = 3;

export const BoardParameters = z.object({
  /** 16 digits of base 17; left out: the game begins at the two tiles of its seed. */
  board: words,
  seed: words,
  moves: words,
  depth: oneOf(DEPTHS),
  /** Boards are analysed as they appear, unless it is off. */
  live: oneOf(["off"]),
  hints: flag,
});
export type BoardParameters = z.infer<typeof BoardParameters>;
