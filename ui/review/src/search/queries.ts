// What the search asks the server: columns, hits page by page, one hit's step, named searches.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { getJson, sessionPath, withParameters } from "../api/client.ts";
import { type Hit, Hits, type Step, Steps, Views } from "../api/schemas.ts";

const HITS_A_PAGE = 500;
/** Columns that a hit is told by. */
const SHOWN = ["ev_loss", "played_loss", "entropy", "model_top_prob", "logit_gap"];

export const Column = z.object({
  name: z.string(),
  percentiles: z.nullable(z.array(z.nullable(z.number()))),
});
export type Column = z.infer<typeof Column>;
export const Columns = z.object({ columns: z.array(Column), valuations: z.array(z.string()) });
export type Columns = z.infer<typeof Columns>;

export const columnsQuery = (session: string) =>
  queryOptions({
    queryKey: ["session", session, "columns"],
    queryFn: ({ signal }) => getJson(sessionPath(session, "columns"), Columns, signal),
  });

/** Steps of a session that meet conditions; `group` of a comparison with another session, if that is asked. */
export interface Question {
  session: string;
  where: string;
  sort: string;
  other?: string;
  group?: string;
}

function pathOf({ session, where, sort, other, group }: Question, limit: number, cursor?: string): string {
  const rest = other ? `compare/${encodeURIComponent(other)}/steps` : "steps/search";
  return withParameters(sessionPath(session, rest), { where, sort, limit, group, cursor });
}

export const hitsQuery = (question: Question) =>
  infiniteQueryOptions({
    queryKey: ["session", question.session, "hits", question],
    queryFn: ({ signal, pageParam }) => getJson(pathOf(question, HITS_A_PAGE, pageParam), Hits, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

/** How many steps there are, and the first. */
export const totalQuery = (question: Question) =>
  queryOptions({
    queryKey: ["session", question.session, "total", question],
    queryFn: ({ signal }) => getJson(pathOf(question, 1), Hits, signal),
  });

/** The hit of a row of the pool; null where the session has no such row. */
export const rowQuery = (session: string, row: number) =>
  queryOptions({
    queryKey: ["session", session, "row", row],
    queryFn: async ({ signal }): Promise<Hit | null> => {
      const path = pathOf({ session, where: `row=${row}`, sort: "" }, 1);
      return (await getJson(path, Hits, signal)).hits[0] ?? null;
    },
  });

/** The step of a hit. Steps are asked for by their place in the run, which begins at the first step's number. */
export const hitStepQuery = (session: string, hit: Hit) =>
  queryOptions({
    queryKey: ["session", session, "step", hit.row],
    queryFn: async ({ signal }): Promise<Step> => {
      const at = async (offset: number) => {
        const path = sessionPath(session, `runs/${hit.run_id}/steps`);
        const asked = { offset, limit: 1, metrics: SHOWN.join(",") };
        return (await getJson(withParameters(path, asked), Steps, signal)).steps[0];
      };
      const found = await at(hit.step_index);
      if (found?.row === hit.row) return found;
      const first = await at(0);
      const step = first && (await at(hit.step_index - first.step_index));
      if (step?.row !== hit.row) throw new Error(`step ${hit.step_index} of run ${hit.run_id} is not there`);
      return step;
    },
  });

export const viewsQuery = queryOptions({
  queryKey: ["views"],
  queryFn: ({ signal }) => getJson("/views", Views, signal),
});

export const FORMATS = ["csv", "jsonl", "npz"] as const;

export const exportPath = (session: string, where: string, format: string): string =>
  withParameters(sessionPath(session, "export"), { where, format });
