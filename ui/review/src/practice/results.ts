// What was answered, kept in the browser: by session and row of the pool, the first answer alone.
import * as z from "zod/mini";
import { JUDGEMENTS } from "../api/schemas.ts";

const KEY = "railyard.practice";
const MOST = 2000; // answers that are kept; the oldest go first

const Answer = z.object({
  session: z.string(),
  row: z.number(),
  move: z.int().check(z.gte(0), z.lte(3)),
  judgement: z.nullable(z.enum(JUDGEMENTS)),
});
export type Answer = z.infer<typeof Answer>;

/** All answers, the oldest first; none where the browser holds something else. */
export function answers(storage: Storage = localStorage): Answer[] {
  try {
    return z.array(Answer).parse(JSON.parse(storage.getItem(KEY) ?? "[]"));
  } catch {
    return [];
  }
}

export const answerOf = (all: readonly Answer[], session: string, row: number): Answer | undefined =>
  all.find((answer) => answer.session === session && answer.row === row);

/** The answers with one more; a row is answered once. */
export function withAnswer(all: readonly Answer[], answer: Answer): Answer[] {
  return answerOf(all, answer.session, answer.row) ? [...all] : [...all, answer].slice(-MOST);
}

/** A browser that keeps nothing does not stop anybody from practising. */
export function keep(all: readonly Answer[], storage: Storage = localStorage): void {
  try {
    storage.setItem(KEY, JSON.stringify(all));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/** How many answers there are of a session, and how many of them were the best move or a good one. */
export function tally(all: readonly Answer[], session: string): { answered: number; good: number } {
  const mine = all.filter((answer) => answer.session === session);
  const good = mine.filter(({ judgement }) => judgement === "best" || judgement === "good");
  return { answered: mine.length, good: good.length };
}
