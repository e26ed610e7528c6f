// @vitest-environment node
import { expect, test } from "vitest";
import { complete, inserted } from "./completion.ts";
import type { Columns } from "./queries.ts";
import { filterText, quickFilters } from "./quick.ts";

const percentiles = Array.from({ length: 99 }, (_, at) => at / 100);
const FACTS: Columns = {
  columns: [
    { name: "run_id", percentiles: null },
    { name: "entropy", percentiles },
    { name: "ev_loss", percentiles: percentiles.map(() => null) },
    { name: "disagreement", percentiles },
    { name: "model_top_prob", percentiles },
    { name: "valuation", percentiles: null },
  ],
  valuations: ["search", "tuple11"],
};
const texts = (text: string) => complete(text, text.length, FACTS).options.map((option) => option.text);

test.each([
  ["", ["run_id", "entropy", "ev_loss", "disagreement", "model_top_prob", "valuation"]],
  ["e", ["entropy", "ev_loss", "disagreement", "model_top_prob"]],
  ["entropy", ["=", "!=", "<", "<=", ">", ">="]],
  ["entropy ", ["=", "!=", "<", "<=", ">", ">="]],
  ["valuation", ["=", "!=", "~"]],
  ["entropy>", ["0.49", "0.89", "0.98", "null"]],
  ["valuation=", ["search", "tuple11"]],
  ["valuation=t", ["tuple11"]],
  ["valuation=search, disagreement=", ["1", "0", "null"]],
  ["entropy>1 and ru", ["run_id"]],
  ["note='a, b", []],
  ["nothing=", []],
])("completes %j", (text, wanted) => {
  expect(texts(text)).toEqual(wanted);
});

test("a chosen option stands in place of what was typed", () => {
  const text = "run_id=3, ent>1";
  const found = complete(text, 13, FACTS);
  expect(inserted(text, found, found.options[0]!)).toEqual(["run_id=3, entropy>1", 17]);
});

test("quick filters are conditions, or say that the session lacks what they are about", () => {
  const found = Object.fromEntries(quickFilters(FACTS).map(({ label, where }) => [label, where]));
  expect(found).toEqual({
    "Entropy spikes": "entropy>=0.98",
    "Low-confidence wins": "disagreement=0, model_top_prob<0.5",
    "Blunders of the model": null,
    "Blunders of the player": null,
    "Illegal argmax": null,
    "Action disagreement": "disagreement=1",
    "EV disagreement": null,
  });
  const withLosses = quickFilters({ ...FACTS, columns: [{ name: "ev_loss", percentiles }] });
  expect(withLosses[2]?.where).toBe("valuation=search, max_rank>=7, ev_loss>=343");
});

test("conditions become a filter of a training config", () => {
  expect(filterText('valuation="a b", x>1')).toBe(
    'filter: {name: query, params: {where: "valuation=\\"a b\\", x>1"}}',
  );
});
