// What the teacher and the model make of four moves, UDLR: plain numbers of one step, null where unknown.
import type { Step } from "../api/schemas.ts";

export type Moves<T> = readonly T[];
type Value = number | null;

export const isKnown = (value: Value | undefined): value is number => value != null && Number.isFinite(value);

/** The place of the first maximum; null where nothing is known. */
export function argmax(values: Moves<Value>): number | null {
  let best: number | null = null;
  values.forEach((value, move) => {
    if (isKnown(value) && (best === null || value > values[best]!)) best = move;
  });
  return best;
}

/** Rounds halves away from zero, as the server does. */
const round = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));

const weight = (rank: number): number => rank * 2 ** rank;

function lineScore(line: Moves<number>): number {
  let score = weight(line[0]!);
  for (let place = 0; place < 3; place += 1) {
    const [here, next] = [weight(line[place]!), weight(line[place + 1]!)];
    score += here >= next ? here + next : 12 * (here - next);
    if (here === next) score += here;
  }
  return score;
}

/** The static value of a board: its lines read left to right and top to bottom. */
export function boardValue(board: Moves<number>): number {
  return [0, 1, 2, 3]
    .map(
      (line) =>
        lineScore(board.slice(4 * line, 4 * line + 4)) +
        lineScore([0, 4, 8, 12].map((row) => board[row + line]!)),
    )
    .reduce((sum, score) => sum + score, 0);
}

export interface TeacherValues {
  /** relative: thousandths of an EV above the board's static value; raw: the EV itself. */
  mode: "relative" | "raw";
  values: Moves<Value>;
  /** Value less the best known one. */
  advantages: Moves<Value>;
  /** 0 the worst known, 1 the best; all 1 where they are equal. */
  normalised: Moves<Value>;
}

export function minMax(values: Moves<Value>): Moves<Value> {
  const known = values.filter(isKnown);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return values.map((value) => (isKnown(value) ? (high > low ? (value - low) / (high - low) : 1) : null));
}

export function teacherValues(step: Step): TeacherValues {
  const { evs, valuation } = step.teacher;
  const isSearch = valuation === "search";
  const base = isSearch ? boardValue(step.board) : 0;
  const values = evs.map((ev) => (isKnown(ev) ? (isSearch ? round(ev * 1000 - base) : ev) : null));
  const best = Math.max(...values.filter(isKnown));
  return {
    mode: isSearch ? "relative" : "raw",
    values,
    advantages: values.map((value) => (isKnown(value) ? value - best : null)),
    normalised: minMax(values),
  };
}

/** The legal move with most mass: what the model plays. */
export function modelMove({ policy, legal }: Step): number | null {
  return argmax((policy ?? []).map((mass, move) => (legal[move] ? mass : null)));
}

/** Thousandths of an EV below the best of the legal moves; null unknown. */
export function lossesOf({ teacher, legal }: Step): (number | null)[] {
  const best = teacher.best === null ? null : (teacher.evs[teacher.best] ?? null);
  return teacher.evs.map((ev, move) =>
    ev === null || best === null || !legal[move] ? null : Math.max(0, 1000 * (best - ev)),
  );
}

export type Severity = "severe" | "medium" | "soft";
export const SYMBOLS: Record<Severity, string> = { severe: "‼", medium: "!", soft: "≈" };

/** How grave it is that the model prefers another move. loss: thousandths of an EV; p: its probability. */
export function severity(loss: Value, p: number): Severity {
  const known = isKnown(loss) ? Math.abs(loss) : null;
  if (p >= 0.9 || (known !== null && ((p >= 0.8 && known >= 200) || known >= 800))) return "severe";
  return known !== null && known <= 60 && p <= 0.45 ? "soft" : "medium";
}

export interface Verdict {
  /** The head with most mass, legal or not. */
  argmax: number | null;
  /** The legal move with most mass: what the model plays. */
  model: number | null;
  /** The move that it is compared with: the teacher's, else the one played. */
  reference: number | null;
  /** null where nothing is known to compare. */
  differs: boolean | null;
  severity: Severity | null;
  /** Whether the model's move has a worse EV than the best; null without EVs. */
  evDiffers: boolean | null;
}

export function verdict(step: Step, teacher: TeacherValues): Verdict {
  const policy = step.policy ?? [null, null, null, null];
  const model = modelMove(step);
  const reference = step.teacher.action ?? step.played;
  const differs = model === null || reference === null ? null : model !== reference;
  const advantage = model === null ? null : (teacher.advantages[model] ?? null);
  const loss = advantage === null ? null : Math.abs(advantage) * (teacher.mode === "raw" ? 1000 : 1);
  const bestEv = step.teacher.best;
  const evOf = (move: number | null) => (move === null ? null : (step.teacher.evs[move] ?? null));
  return {
    argmax: argmax(policy),
    model,
    reference,
    differs,
    severity: differs && model !== null ? severity(loss, policy[model] ?? 0) : null,
    evDiffers: bestEv === null || model === null ? null : model !== bestEv && evOf(model) !== evOf(bestEv),
  };
}

/** Which of the two speak of a step, in words. */
export function saidBy(step: Step): "both" | "teacher only" | "model only" | "neither" {
  const hasTeacher = step.teacher.action !== null || step.teacher.evs.some(isKnown);
  if (step.policy !== null) return hasTeacher ? "both" : "model only";
  return hasTeacher ? "teacher only" : "neither";
}
