// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { accuracyOf, blunderLoss, judge, judgementOf, scaleOf, UNKNOWN } from "./accuracy.ts";

/** The server's recorded answer of an analysis: the same losses have to be judged alike. */
const RECORDED = new URL("../../../../tests/fixtures/review/post_analyze.json", import.meta.url);

test("judges as the server does", () => {
  const { board, teacher } = JSON.parse(readFileSync(RECORDED, "utf8"));
  const scale = scaleOf(teacher.source, Math.max(...board));
  expect(teacher.losses.map((loss: number | null) => judgementOf(loss, scale))).toEqual(teacher.judgements);
  for (const [move, accuracy] of teacher.accuracies.entries()) {
    if (accuracy !== null) expect(accuracyOf(teacher.losses[move], scale)).toBeCloseTo(accuracy, 3);
  }
});

test.each([
  ["search", 0, 26.3276],
  ["search", 16, 332.701],
  ["table10", 13, 0.19075],
  ["somebody's", 11, 0.0318018],
])("%s at %i has its λ", (valuation, highest, scale) => {
  expect(scaleOf(valuation, highest)).toBe(scale);
});

test("judgements follow the accuracy, best follows the loss", () => {
  expect([judge(0, 100), judge(1, 100), judge(1, 90), judge(1, 89), judge(1, 70)]).toEqual([0, 1, 1, 2, 2]);
  expect([judge(1, 69), judge(1, 40), judge(1, 39), judge(Number.NaN, 50)]).toEqual([3, 3, 4, UNKNOWN]);
});

test("unknown losses have no name, a blunder begins at its loss", () => {
  expect(judgementOf(null, 300)).toBeNull();
  expect(judgementOf(Number.NaN, 300)).toBeNull();
  expect(judgementOf(blunderLoss(300) * 0.999, 300)).toBe("mistake");
  expect(judgementOf(blunderLoss(300) * 1.001, 300)).toBe("blunder");
});
