import { expect, test } from "vitest";
import { around, awayFromRow, awayFromStep } from "./around.ts";

const HITS = [
  { row: 3, run_id: 0, step_index: 3 },
  { row: 7, run_id: 0, step_index: 7 },
  { row: 12, run_id: 1, step_index: 2 },
];

const from = (run: number | undefined, step: number | undefined, sort = "") => {
  const { before, place, behind } = around(HITS, awayFromStep(run, step, sort));
  return [before, place, behind];
};

test("from a hit one goes to its neighbours, whatever their runs", () => {
  expect([from(0, 3), from(0, 7), from(1, 2)]).toEqual([
    [-1, 0, 1],
    [0, 1, 2],
    [1, 2, 3],
  ]);
});

test("from a step that is no hit one goes to the hits around it", () => {
  expect([from(0, 0), from(0, 5), from(0, 90), from(1, undefined), from(1, 9)]).toEqual([
    [-1, -1, 0],
    [0, -1, 1],
    [1, -1, 2],
    [1, -1, 2],
    [2, -1, 3],
  ]);
});

test("from no step, or one that a sort does not place, the first hit is the next", () => {
  expect([from(undefined, 5), from(0, 5, "entropy")]).toEqual([
    [-1, -1, 0],
    [-1, -1, 0],
  ]);
  expect(from(0, 7, "entropy")).toEqual([0, 1, 2]);
});

test("a row is one of the hits, or not placed among them", () => {
  const { before, place, behind } = around(HITS, awayFromRow(7));
  expect([before, place, behind]).toEqual([0, 1, 2]);
  expect(around(HITS, awayFromRow(8))).toEqual({ before: -1, place: -1, behind: 0 });
  expect(around(HITS, awayFromRow(undefined))).toEqual({ before: -1, place: -1, behind: 0 });
  expect(awayFromRow(8)(HITS[0]!)).toBeNaN();
});

test("there are neither neighbours nor places among no hits", () => {
  expect(around([], awayFromStep(0, 3, ""))).toEqual({ before: -1, place: -1, behind: 0 });
});
