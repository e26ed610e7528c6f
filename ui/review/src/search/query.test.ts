// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Condition, parseQuery } from "./query.ts";

interface Case {
  text: string;
  conditions: [string, string, unknown][] | null;
}

const FIXTURE = new URL("../../../../tests/fixtures/viewer/queries.jsonl", import.meta.url);
const CASES: Case[] = readFileSync(FIXTURE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** Whole numbers that JavaScript would round are told in digits. */
function told({ key, operator, value, typed }: Condition): [string, string, unknown] {
  const isLong = typeof value === "number" && /^[-+]?\d+$/.test(typed) && !Number.isSafeInteger(value);
  return [key, operator, isLong ? typed : value];
}

test.each(CASES)("reads $text as Python does", ({ text, conditions }) => {
  const found = parseQuery(text);
  expect("conditions" in found ? found.conditions.map(told) : null).toEqual(conditions);
});

test("says where reading stopped", () => {
  expect(parseQuery("a=1, entropy>high")).toEqual({ fault: "entropy> compares numbers, got “high”", at: 5 });
  expect(parseQuery("a=1 and ")).toMatchObject({ at: 7 });
});
