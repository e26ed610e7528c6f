// What the address of the search page says.
import * as z from "zod/mini";
import { whole, words } from "../app/search_params.ts";

export const SearchParameters = z.object({ where: words, sort: words, row: whole });
export type SearchParameters = z.infer<typeof SearchParameters>;
