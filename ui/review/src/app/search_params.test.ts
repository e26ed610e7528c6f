import { expect, test } from "vitest";
import { ReviewSearch } from "../review/search.ts";

test("what stands in a URL is read, and what cannot be read is left out", () => {
  const written = { run: "8", step: "12", runs_page_size: "100", runs_where: "steps>5", tokens: "true" };
  expect(ReviewSearch.parse(written)).toEqual({
    run: 8,
    step: 12,
    runs_page_size: 100,
    runs_where: "steps>5",
    tokens: true,
  });
  const wrong = {
    run: "-1",
    step: "x",
    runs_page_size: "26",
    tokens: "yes",
    sidebar: "",
    graph: undefined,
    other: "1",
  };
  expect(Object.values(ReviewSearch.parse(wrong)).filter((value) => value !== undefined)).toEqual([]);
});
