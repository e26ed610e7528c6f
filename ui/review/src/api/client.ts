// How the server is asked: one fetch, one sentence for each fault, and whether it answers at all.
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import * as z from "zod/mini";
import { stringifySearch } from "../app/address.ts";

/** The server answered with a fault; the message is its sentence. */
export class ServerFault extends Error {
  readonly status: number;
  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** Nothing answered. */
export class ServerLost extends Error {
  constructor() {
    super("The server does not answer. It is asked again until it does.");
  }
}

export function sentenceOf(error: unknown): string {
  if (error instanceof z.core.$ZodError) {
    const issue = error.issues[0];
    return `The server answered something this viewer does not know, at ${issue?.path.join(".") || "its top"}: ${issue?.message}. Reload the page.`;
  }
  return error instanceof Error ? error.message : String(error);
}

const Problem = z.object({ detail: z.string() });

async function faultOf(response: Response): Promise<ServerFault> {
  const text = await response.text();
  try {
    return new ServerFault(response.status, Problem.parse(JSON.parse(text)).detail);
  } catch {
    return new ServerFault(response.status, text.slice(0, 400) || `the server answered ${response.status}`);
  }
}

/** The response of a request; ServerLost or ServerFault where there is none. */
export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    setState("lost");
    throw new ServerLost();
  }
  // what a proxy in between says of a server that is gone
  if (response.status === 502 || response.status === 504) {
    setState("lost");
    throw new ServerLost();
  }
  setState(response.status === 401 ? "locked" : "well");
  if (!response.ok) throw await faultOf(response);
  return response;
}

export async function getJson<T>(path: string, schema: z.ZodMiniType<T>, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal ? { signal } : {});
  return schema.parse(await response.json());
}

export async function sendJson<T>(
  method: "POST" | "PUT",
  path: string,
  body: unknown,
  schema: z.ZodMiniType<T>,
  signal?: AbortSignal,
): Promise<T> {
  const response = await ask(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  return schema.parse(await response.json());
}

/** A path below those of a session. */
export const sessionPath = (session: string, rest: string): string =>
  `/sessions/${encodeURIComponent(session)}/${rest}`;

/** A path with those parameters that are given. */
export function withParameters(
  path: string,
  parameters: Record<string, string | number | boolean | undefined>,
): string {
  return path + stringifySearch(parameters);
}

export type ServerState = "well" | "lost" | "locked";

let state: ServerState = "well";
const listeners = new Set<() => void>();

function setState(next: ServerState): void {
  if (next === state) return;
  const wasLost = state === "lost";
  state = next;
  for (const listener of listeners) listener();
  if (wasLost && next === "well") void queryClient.invalidateQueries();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the server answers, and whether it wants its token. */
export function useServerState(): ServerState {
  return useSyncExternalStore(subscribe, () => state);
}

const isPassing = (error: unknown): boolean =>
  error instanceof ServerLost || (error instanceof ServerFault && error.status === 503);

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 5 * 60_000,
      networkMode: "always",
      refetchOnWindowFocus: false,
      retry: (_count, error) => isPassing(error),
      retryDelay: (count) => Math.min(500 * 2 ** count, 4000),
    },
    mutations: { networkMode: "always" },
  },
});
