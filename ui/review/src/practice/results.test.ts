// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { type Answer, answerOf, answers, keep, tally, withAnswer } from "./results.ts";

const ANSWER: Answer = { session: "one", row: 3, move: 2, judgement: "best" };

beforeEach(() => localStorage.clear());

test("answers come back", () => {
  keep(withAnswer(answers(), ANSWER));
  expect(answers()).toEqual([ANSWER]);
  expect(answerOf(answers(), "one", 3)).toEqual(ANSWER);
  expect(answerOf(answers(), "two", 3)).toBeUndefined();
});

test("the first answer counts", () => {
  expect(withAnswer([ANSWER], { ...ANSWER, move: 1, judgement: "blunder" })).toEqual([ANSWER]);
});

test("the oldest of too many go", () => {
  let all: Answer[] = [];
  for (let row = 0; row < 2001; row++) all = withAnswer(all, { ...ANSWER, row });
  expect([all.length, all[0]?.row]).toEqual([2000, 1]);
});

test.each(["{", "[1]", '[{"session":"one","row":1,"move":7,"judgement":null}]'])(
  "%s holds no answers",
  (text) => {
    localStorage.setItem("railyard.practice", text);
    expect(answers()).toEqual([]);
  },
);

test("best and good moves count as good", () => {
  const all: Answer[] = [
    ANSWER,
    { ...ANSWER, row: 4, judgement: "good" },
    { ...ANSWER, row: 5, judgement: "blunder" },
    { ...ANSWER, row: 6, judgement: null },
    { ...ANSWER, session: "two" },
  ];
  expect(tally(all, "one")).toEqual({ answered: 4, good: 2 });
});
