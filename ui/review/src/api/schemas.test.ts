// Answers that the server gave, as its own tests record them, are known to the viewer.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type * as z from "zod/mini";
import { Columns } from "../search/queries.ts";
import * as schemas from "./schemas.ts";

const FIXTURES = join(import.meta.dirname, "../../../../tests/fixtures/review");
const BY_NAME: Record<string, z.ZodMiniType> = {
  health: schemas.Health,
  sessions: schemas.Sessions,
  session_runs: schemas.Runs,
  session_steps: schemas.Steps,
  sessions_session_runs: schemas.Runs,
  sessions_session_runs_run_id_steps: schemas.Steps,
  sessions_session_columns: Columns,
  sessions_session_schema: schemas.SessionSchema,
  sessions_session_steps_search: schemas.Hits,
  sessions_session_compare_other: schemas.Compared,
  sessions_session_compare_other_steps: schemas.Hits,
  views: schemas.Views,
  views_name: schemas.View,
  put_views_name: schemas.View,
  post_analyze: schemas.Analysis,
  post_analyze_rollouts: schemas.Rollouts,
};

const kinds = readdirSync(FIXTURES).filter((name) => statSync(join(FIXTURES, name)).isDirectory());
const files = ["", ...kinds].flatMap((kind) =>
  Object.keys(BY_NAME)
    .map((name) => [join(kind, `${name}.json`), name] as const)
    .filter(([file]) => existsSync(join(FIXTURES, file))),
);

test("there are answers about every kind of session", () => {
  expect(kinds.length).toBeGreaterThanOrEqual(8);
  expect(new Set(files.map(([, name]) => name))).toEqual(new Set(Object.keys(BY_NAME)));
});

test.each(files)("%s", (file, name) => {
  BY_NAME[name]!.parse(JSON.parse(readFileSync(join(FIXTURES, file), "utf8")));
});
