// @vitest-environment node
// Games replayed from seed and moves, against Python's boards: those of the fixture, or of the file in GAMES.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boardOf, boardText, seedOf } from "./links.ts";
import { newGame, played, replayed, TILE_TOO_LARGE, undone } from "./play.ts";
import { legalMoves, type Move, moved } from "./rules.ts";

interface Told {
  seed: string;
  start: string | null;
  moves: string;
  boards: string;
  score: number;
  ended: string;
}

const FIXTURE = new URL("../../../../tests/fixtures/viewer/games.jsonl", import.meta.url);
const GAMES: Told[] = readFileSync(process.env.GAMES ?? FIXTURE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const LETTERS = "udlr";

/** The same facts, from seed, first board and moves alone. */
function retold({ seed, start, moves }: Told): Omit<Told, "moves"> {
  let game = newGame(seedOf(seed) as bigint, boardOf(start ?? undefined));
  const boards = createHash("sha256").update(boardText(game.board));
  for (const letter of moves) {
    game = played(game, LETTERS.indexOf(letter) as Move);
    if (game.ended !== TILE_TOO_LARGE) boards.update(boardText(game.board));
  }
  const ended =
    game.ended === TILE_TOO_LARGE ? "the next tile is larger than a pack can hold" : String(game.ended);
  return { seed, start, boards: boards.digest("hex"), score: game.score, ended };
}

test(`${GAMES.length} games have Python's boards and scores`, { timeout: 600_000 }, () => {
  for (const told of GAMES) {
    const { moves: _, ...facts } = told;
    expect(retold(told)).toEqual(facts);
  }
});

test("what cannot be moved stays as it is", () => {
  const game = newGame(1n, boardOf("1000000000000000"));
  expect(legalMoves(game.board)).toEqual([false, true, false, true]);
  expect(played(game, 0)).toBe(game);
  expect(replayed(1n, game.start, [0, 1]).moves).toEqual([]);
});

test("two 16s end the game before they merge", () => {
  const game = played(newGame(1n, boardOf("gg00000000000000")), 2);
  expect(game).toMatchObject({ ended: TILE_TOO_LARGE, score: 0, moves: [2] });
  expect(boardText(game.board)).toBe("gg00000000000000");
  expect(undone(game).ended).toBeNull();
});

test("a tile merges once in a move", () => {
  expect(moved([1, 1, 1, 1, ...Array(12).fill(0)], 3)).toMatchObject({ reward: 8 });
  expect(moved([2, 1, 1, 0, ...Array(12).fill(0)], 2).board.slice(0, 4)).toEqual([2, 2, 0, 0]);
});
