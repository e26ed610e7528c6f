// What the address of the comparison says.
import * as z from "zod/mini";
import { GROUPS } from "../api/schemas.ts";
import { oneOf, whole, words } from "../app/search_params.ts";

export const CompareParameters = z.object({
  /** The second session. */
  other: words,
  group: oneOf(GROUPS),
  where: words,
  sort: words,
  row: whole,
});
export type CompareParameters = z.infer<typeof CompareParameters>;
