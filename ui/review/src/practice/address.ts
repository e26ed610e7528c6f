// What the address of the practice page says: whose blunders, and which of them.
import * as z from "zod/mini";
import { oneOf, whole } from "../app/search_params.ts";

export const WHOSE = ["model", "player"] as const;
export type Whose = (typeof WHOSE)[number];

export const PracticeParameters = z.object({ of: oneOf(WHOSE), row: whole });
export type PracticeParameters = z.infer<typeof PracticeParameters>;
