// How sessions are called: by their model and when it was asked, from `/sessions` alone.
import type { Session } from "../api/schemas.ts";

export function labelOf(session: Session): string {
  const model = session.tag ?? session.model_id ?? "annotations made elsewhere";
  return session.created_at ? `${model}, ${dateOf(session.created_at)}` : model;
}

/** `2026-11-30T02:28:01Z` without its seconds. */
export const dateOf = (text: string): string => text.slice(0, 16).replace("T", " ");

/** The last part of a pool's path. */
export function nameOfPool(pool: string): string {
  return pool.split("/").filter(Boolean).at(-1) ?? pool;
}

/** Sessions by pool, both in the order that the server gives: the newest first. */
export function byPool(sessions: readonly Session[]): [string, Session[]][] {
  return [...Map.groupBy(sessions, (session) => session.pool)];
}
