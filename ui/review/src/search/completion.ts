// What can stand at the caret of a `where=`: a column, an operator, a value.
import { MOVES } from "../board/Board.tsx";
import type { Columns } from "./queries.ts";
import { OPERATORS } from "./query.ts";

export interface Option {
  /** What stands in place of `from` to `to` once it is chosen. */
  text: string;
  hint: string;
}

export interface Completion {
  from: number;
  to: number;
  options: Option[];
}

const NOTHING: Completion = { from: 0, to: 0, options: [] };
const MOST = 12;
const MEANINGS: Record<string, string> = {
  "=": "equal",
  "!=": "not equal",
  "~": "contains",
  "<": "less than",
  "<=": "at most",
  ">": "more than",
  ">=": "at least",
};
const TEXT_ONLY = new Set(["~"]);
const WORDS_OF_TEXT = new Set(["=", "!=", "~"]);

/** Where the condition at the end of a text begins: behind the last comma or `and` outside quotes. */
function startOf(before: string): number {
  let start = 0;
  for (const match of before.matchAll(/'[^']*(?:'|$)|"[^"]*(?:"|$)|,|\s+and\s/g)) {
    if (/^['"]/.test(match[0])) continue;
    start = match.index + match[0].length;
  }
  return start;
}

export function complete(text: string, caret: number, facts: Columns): Completion {
  const before = text.slice(0, caret);
  const condition = before.slice(startOf(before));
  const match = /^\s*([^\s=!<>~,'"]*)(\s*)([=!<>~]*)(\s*)(.*)$/.exec(condition);
  if (!match) return NOTHING;
  const [, name = "", space = "", operator = "", , value = ""] = match;
  if (!operator && !space) {
    const names = namesLike(name, facts);
    const isWhole = names.length === 1 && names[0]?.text === name;
    if (!isWhole) return { from: caret - name.length, to: caret, options: names };
  }
  if (!operator || (!value && !OPERATORS.some((known) => known === operator))) {
    return { from: caret - operator.length, to: caret, options: operatorsFor(name, operator, facts) };
  }
  const from = caret - value.length;
  return { from, to: caret, options: valuesFor(name, value, facts) };
}

function namesLike(prefix: string, { columns }: Columns): Option[] {
  const wanted = prefix.toLowerCase();
  const found = columns.filter(({ name }) => name.includes(wanted));
  const first = found.filter(({ name }) => name.startsWith(wanted));
  const rest = found.filter(({ name }) => !name.startsWith(wanted));
  return [...first, ...rest]
    .slice(0, MOST)
    .map(({ name, percentiles }) => ({ text: name, hint: span(percentiles) }));
}

/** From where to where a column goes. */
function span(percentiles: Columns["columns"][number]["percentiles"]): string {
  const [low, high] = [percentiles?.at(0), percentiles?.at(-1)];
  if (percentiles && (low == null || high == null)) return "not known here";
  return low == null || high == null ? "" : `mostly ${shown(low)} to ${shown(high)}`;
}

function operatorsFor(name: string, typed: string, { valuations }: Columns): Option[] {
  const isText = name === "valuation" && valuations.length > 0;
  return OPERATORS.filter((operator) => operator.startsWith(typed))
    .filter((operator) => (isText ? WORDS_OF_TEXT.has(operator) : !TEXT_ONLY.has(operator)))
    .map((operator) => ({ text: operator, hint: MEANINGS[operator] ?? "" }));
}

function valuesFor(name: string, typed: string, facts: Columns): Option[] {
  const options =
    name === "valuation" ? facts.valuations.map((text) => ({ text, hint: "" })) : numbersFor(name, facts);
  return options.filter(({ text }) => text.startsWith(typed) && text !== typed);
}

const FLAGS = new Set(["disagreement", "ev_disagreement", "illegal_argmax"]);

function numbersFor(name: string, { columns }: Columns): Option[] {
  const unknown = { text: "null", hint: "not known" };
  if (FLAGS.has(name)) return [{ text: "1", hint: "yes" }, { text: "0", hint: "no" }, unknown];
  if (name === "played") return [...MOVES.map((hint, move) => ({ text: String(move), hint })), unknown];
  const percentiles = columns.find((column) => column.name === name)?.percentiles;
  if (!percentiles) return [];
  const known = [50, 90, 99].flatMap((percent) => {
    const value = percentiles[percent - 1];
    return value == null
      ? []
      : [{ text: shown(value), hint: percent === 50 ? "median" : `${percent}th percentile` }];
  });
  return [...known.filter(({ text }, at) => known.findIndex((other) => other.text === text) === at), unknown];
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));

/** The text with an option in place, and where the caret is then. */
export function inserted(text: string, { from, to }: Completion, option: Option): [string, number] {
  return [text.slice(0, from) + option.text + text.slice(to), from + option.text.length];
}
