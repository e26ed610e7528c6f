// What is asked of a board: one analysis at a time runs on the server, so a busy one is asked again.
import { queryOptions } from "@tanstack/react-query";
import { ServerFault, ServerLost, sendJson } from "../api/client.ts";
import { Analysis, Rollouts } from "../api/schemas.ts";
import { boardText } from "../game/links.ts";
import type { Board } from "../game/rules.ts";

const BUSY = 429;
const MOST_TRIES = 5;
const AGAIN_AFTER_MS = 1000;

export const isBusy = (error: unknown): boolean => error instanceof ServerFault && error.status === BUSY;

export const analysisQuery = (board: Board, depth: number) =>
  queryOptions({
    queryKey: ["analysis", boardText(board), depth],
    queryFn: ({ signal }) => sendJson("POST", "/analyze", { board, depth, model: true }, Analysis, signal),
    retry: (count, error) => error instanceof ServerLost || (isBusy(error) && count < MOST_TRIES),
    retryDelay: AGAIN_AFTER_MS,
  });

export interface RolloutQuestion {
  board: Board;
  moves: number[];
  games: number;
  player: "teacher" | "random";
  depth: number;
}

export const playOut = (question: RolloutQuestion, signal?: AbortSignal): Promise<Rollouts> =>
  sendJson("POST", "/analyze/rollouts", question, Rollouts, signal);
