// The grammar of `where=`, as `railyard/core/query.py` reads it: `disagreement=1, entropy>0.9 and valuation=search`.
export const ORDERING = ["<", "<=", ">", ">="] as const;
export const OPERATORS = ["=", "!=", "~", ...ORDERING] as const;
export type Operator = (typeof OPERATORS)[number];
export type Value = number | string | boolean | null;

export interface Condition {
  key: string;
  operator: Operator;
  value: Value;
  /** The value as it was typed, without quotes: numbers beyond 2^53 keep their digits. */
  typed: string;
}

/** `at`: where in the text reading stopped. */
export type Query = { conditions: Condition[] } | { fault: string; at: number };

const CONDITION =
  /\s*([^\s,=!<>~'"]+)\s*([=!<>~]+)\s*(?:(['"])(.*?)\3|([^\s,'"=<>~]+(?:\s+(?!and\b)[^\s,'"=<>~]+)*))\s*/y;
const JOINT = /,|and\b|$/y;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;
const WORDS: Record<string, Value> = { true: true, false: false, null: null };
const ALIASES: Record<string, string> = { tag: "tags" };
const ORDERED_TEXT = ["when", "name"];

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** The conditions of a text, none of an empty one; or why it cannot be read. */
export function parseQuery(text: string): Query {
  const conditions: Condition[] = [];
  let at = text.length - text.trimStart().length;
  const end = text.trimEnd().length;
  while (at < end) {
    const match = matchAt(CONDITION, text, at);
    if (!match) return { fault: `“${text.slice(at, end)}” is not of the form column=value`, at };
    const condition = conditionOf(match);
    if (typeof condition === "string") return { fault: condition, at };
    conditions.push(condition);
    const after = at + match[0].length;
    const joint = matchAt(JOINT, text, after);
    if (!joint) return { fault: `expected a comma or “and”, got “${text.slice(after, end)}”`, at: after };
    at = after + joint[0].length;
    at += text.slice(at).length - text.slice(at).trimStart().length;
    if (joint[0] && at >= end) return { fault: `expected another condition after “${joint[0]}”`, at: end };
  }
  return { conditions };
}

function conditionOf(match: RegExpExecArray): Condition | string {
  const [, name = "", written = "", quote, quoted = "", word = ""] = match;
  const operator = written === "==" ? "=" : written;
  if (!isOperator(operator)) return `there is no operator “${operator}”: use ${OPERATORS.join(" ")}`;
  const typed = quote ? quoted : word.trim();
  const value = quote ? quoted : typedValue(typed);
  const key = ALIASES[name] ?? name;
  const isOrdering = (ORDERING as readonly string[]).includes(operator);
  if (isOrdering && typeof value !== "number" && !ORDERED_TEXT.includes(key)) {
    return `${key}${operator} compares numbers, got “${typed}”`;
  }
  return { key, operator, value, typed };
}

const isOperator = (text: string): text is Operator => (OPERATORS as readonly string[]).includes(text);

/** A bare word as number, truth value or null where it reads as one, else as text. */
function typedValue(word: string): Value {
  if (NUMBER.test(word)) return Number(word);
  return word in WORDS ? (WORDS[word] as Value) : word;
}
