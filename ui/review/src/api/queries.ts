// What pages ask for, by the names that the cache keeps it under. A key names session and run, so that nothing is
// ever shown as another one's.
import { queryOptions } from "@tanstack/react-query";
import { ask, getJson, ServerFault, sessionPath, withParameters } from "./client.ts";
import { Health, Runs, SessionSchema, Sessions, Steps } from "./schemas.ts";

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => getJson("/health", Health, signal),
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async ({ signal }) => (await getJson("/sessions", Sessions, signal)).sessions,
  staleTime: 5000,
});

export const schemaQuery = (session: string) =>
  queryOptions({
    queryKey: ["session", session, "schema"],
    queryFn: ({ signal }) => getJson(sessionPath(session, "schema"), SessionSchema, signal),
  });

export interface RunsQuestion {
  page: number;
  pageSize: number;
  where: string;
  sort: string;
}

export const runsQuery = (session: string, asked: RunsQuestion) =>
  queryOptions({
    queryKey: ["session", session, "runs", asked],
    queryFn: ({ signal }) =>
      getJson(
        withParameters(sessionPath(session, "runs"), {
          page: asked.page,
          page_size: asked.pageSize,
          where: asked.where,
          sort: asked.sort,
        }),
        Runs,
        signal,
      ),
  });

/** Columns of all steps of a run by name; NaN unknown. */
export type Series = Record<string, Float32Array>;

export const seriesQuery = (session: string, run: number, metrics: readonly string[]) =>
  queryOptions({
    queryKey: ["session", session, "series", run, metrics],
    queryFn: async ({ signal }): Promise<Series> => {
      const path = sessionPath(session, `runs/${run}/series`);
      const response = await ask(withParameters(path, { metrics: metrics.join(",") }), { signal });
      return seriesOf(await response.arrayBuffer(), metrics);
    },
  });

/** Float32 [metrics, steps], little-endian, as the server sends them. */
export function seriesOf(bytes: ArrayBuffer, metrics: readonly string[]): Series {
  const steps = bytes.byteLength / 4 / metrics.length;
  return Object.fromEntries(
    metrics.map((name, place) => [name, new Float32Array(bytes, place * steps * 4, steps)]),
  );
}

export interface StepsAnswer extends Steps {
  /** Why there are no tokens although they were asked for: the server could not make them. */
  tokensFault: string | null;
}

export const stepsQuery = (
  session: string,
  run: number,
  offset: number,
  limit: number,
  metrics: readonly string[],
  tokenize: boolean,
) =>
  queryOptions({
    queryKey: ["session", session, "steps", run, offset, limit, metrics, tokenize],
    gcTime: 20_000, // a window takes megabytes, and scrubbing passes many
    queryFn: async ({ signal }): Promise<StepsAnswer> => {
      const pathWith = (tokens: boolean) =>
        withParameters(sessionPath(session, `runs/${run}/steps`), {
          offset,
          limit,
          metrics: metrics.join(","),
          tokenize: tokens || undefined,
        });
      try {
        return { ...(await getJson(pathWith(tokenize), Steps, signal)), tokensFault: null };
      } catch (error) {
        if (!tokenize || !(error instanceof ServerFault) || error.status === 503) throw error;
        return { ...(await getJson(pathWith(false), Steps, signal)), tokensFault: error.message };
      }
    },
  });
