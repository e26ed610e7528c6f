// What is asked of a board: one analysis at a time runs on the server, so a busy one is asked again.
import { queryOptions } from "@tanstack/react-query";
import { ServerFault, ServerLost, sendJson } from "../api/client.ts";
import { Analysis, Rollouts } from "../api/schemas.ts";
import { boardText } from "../game/links.ts";
import type { Board } from "../game/rules.ts";

const BUSY = 429;
const PREPARING = 503;
const MOST_TRIES = 5; // of a busy server; one that prepares itself is asked until it is ready
const AGAIN_AFTER_MS = 1000;

export function isAskedAgain(count: number, error: unknown): boolean {
  if (error instanceof ServerLost) return true;
  if (!(error instanceof ServerFault)) return false;
  return error.status === PREPARING || (error.status === BUSY && count < MOST_TRIES);
}

export const analysisQuery = (board: Board, depth: number) =>
  queryOptions({
    queryKey: ["analysis", boardText(board), depth],
    queryFn: ({ signal }) => sendJson("POST", "/analyze", { board, depth, model: true }, Analysis, signal),
    retry: isAskedAgain,
    retryDelay: AGAIN_AFTER_MS,
  });

export interface RolloutQuestion {
  board: Board;
  moves: number[];
  games: number;
  player: "teacher" | "random";
  depth: number;
}

export const playOut = {
  mutationFn: (question: RolloutQuestion) => sendJson("POST", "/analyze/rollouts", question, Rollouts),
  retry: isAskedAgain,
  retryDelay: AGAIN_AFTER_MS,
};
