// @vitest-environment node
import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "./address.ts";

test("texts stay texts, whatever they look like", () => {
  const search = {
    board: "6531221011000000",
    where: "a>1, b='x & y'",
    seed: "18446744073709551615",
    on: "true",
  };
  expect(parseSearch(stringifySearch(search))).toEqual(search);
});

test("what is not given is left out", () => {
  expect(stringifySearch({ where: "", sort: undefined })).toBe("");
  expect(stringifySearch({ page: 2, where: "" })).toBe("?page=2");
});
