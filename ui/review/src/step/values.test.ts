import { expect, test } from "vitest";
import type { Step } from "../api/schemas.ts";
import {
  boardValue,
  lossesOf,
  minMax,
  modelMove,
  saidBy,
  severity,
  teacherValues,
  verdict,
} from "./values.ts";

const STEP: Step = {
  row: 0,
  step_index: 0,
  board: [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0],
  legal: [false, true, true, true],
  policy: [0.9, 0.1, 0.5, 0.4],
  played: 3,
  teacher: { action: 3, best: 3, evs: [null, -5.262, 2.511, 2.536], valuation: "search" },
  metrics: {},
  values: {},
};

test("the static value is that of the packs", () => {
  expect(boardValue(STEP.board)).toBe(2376);
  expect(boardValue(new Array(16).fill(0))).toBe(0);
  expect(boardValue([...Array(16).keys()].reverse())).toBe(3_618_726);
  expect(boardValue([...Array(16).keys()])).toBe(-16_031_270);
});

test("values of a search are relative, others raw", () => {
  const found = teacherValues(STEP);
  expect(found.values).toEqual([null, -7638, 135, 160]);
  expect(found.advantages).toEqual([null, -7798, -25, 0]);
  expect(found.normalised[0]).toBe(null);
  expect(found.normalised[3]).toBe(1);
  const table = teacherValues({ ...STEP, teacher: { ...STEP.teacher, valuation: "tuple10" } });
  expect(table.mode).toBe("raw");
  expect(table.advantages[2]).toBeCloseTo(-0.025);
});

test("equal values are all 1, unknown ones stay unknown", () => {
  expect(minMax([2, null, 2, 2])).toEqual([1, null, 1, 1]);
  expect(minMax([0, 5, null, 10])).toEqual([0, 0.5, null, 1]);
});

test.each([
  [0, 0.9, "severe"],
  [200, 0.8, "severe"],
  [199, 0.8, "medium"],
  [800, 0.1, "severe"],
  [799, 0.1, "medium"],
  [60, 0.45, "soft"],
  [61, 0.45, "medium"],
  [60, 0.46, "medium"],
  [null, 0.1, "medium"],
  [null, 0.95, "severe"],
] as const)("a loss of %s at %s is %s", (loss, p, expected) => {
  expect(severity(loss, p)).toBe(expected);
});

test("an illegal argmax is told apart from the move that is played", () => {
  const found = verdict(STEP, teacherValues(STEP));
  expect(found).toMatchObject({ argmax: 0, model: 2, reference: 3, differs: true, evDiffers: true });
  expect(found.severity).toBe("medium");
});

test("losses are below the best move's EV, of illegal moves and without a best none is known", () => {
  const losses = lossesOf(STEP).map((loss) => loss && Math.round(loss));
  expect(losses).toEqual([null, 7798, 25, 0]);
  expect(lossesOf({ ...STEP, legal: [false, true, false, true] })[2]).toBe(null);
  expect(lossesOf({ ...STEP, teacher: { ...STEP.teacher, best: null } })).toEqual([null, null, null, null]);
});

test("the model's move is the first legal one with most mass that is known", () => {
  expect(modelMove({ ...STEP, policy: [0.9, null, 0.5, 0.5] })).toBe(2);
  expect(modelMove({ ...STEP, policy: null })).toBe(null);
  expect(modelMove({ ...STEP, legal: [true, false, false, false], policy: [null, 1, 1, 1] })).toBe(null);
});

test("a move with the best EV differs in action and not in EV", () => {
  const step = { ...STEP, teacher: { ...STEP.teacher, evs: [null, -5, 2.5, 2.5] } };
  expect(verdict(step, teacherValues(step))).toMatchObject({ differs: true, evDiffers: false });
});

test("who speaks of a step", () => {
  const alone = { action: null, best: null, evs: [null, null, null, null], valuation: "unknown" };
  expect(saidBy(STEP)).toBe("both");
  expect(saidBy({ ...STEP, policy: null })).toBe("teacher only");
  expect(saidBy({ ...STEP, teacher: alone })).toBe("model only");
  expect(saidBy({ ...STEP, policy: null, teacher: alone })).toBe("neither");
  expect(verdict({ ...STEP, policy: null }, teacherValues(STEP)).differs).toBe(null);
});
