// The game that the address says, and ways to go on in it.
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { stringifySearch } from "../app/address.ts";
import { boardOf, boardText, movesOf, movesText, seedOf } from "../game/links.ts";
import { type Game, newGame, played, replayed, undone } from "../game/play.ts";
import type { Board, Move } from "../game/rules.ts";
import type { BoardParameters } from "./address.ts";

const route = getRouteApi("/view/board");
const FIRST_SEED = 1n;

const toAddress = ({ start, seed, moves }: Game): BoardParameters => ({
  board: start ? boardText(start) : undefined,
  seed: String(seed),
  moves: movesText(moves),
});

/** The part of the address behind the page's path. */
export const addressOf = (game: Game): string => stringifySearch(toAddress(game));

export function useGame() {
  const parameters = route.useSearch();
  const navigate = route.useNavigate();
  const { board, seed, moves } = parameters;
  const game = useMemo(
    () => replayed(seedOf(seed) ?? FIRST_SEED, boardOf(board), movesOf(moves)),
    [board, seed, moves],
  );
  const change = useCallback(
    (part: BoardParameters, replace = true) =>
      void navigate({ search: (before) => ({ ...before, ...part }), replace, resetScroll: false }),
    [navigate],
  );
  return {
    game,
    parameters,
    change,
    isDamaged: Boolean((board && !boardOf(board)) || (seed && seedOf(seed) === null)),
    play: (move: Move) => change(toAddress(played(game, move))),
    undo: () => change(toAddress(undone(game))),
    begin: (next: bigint, start: Board | null = null) => change(toAddress(newGame(next, start)), false),
  };
}
