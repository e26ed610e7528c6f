// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { standalone } from "./svg.ts";

test("a drawing carries its own colours", () => {
  document.head.innerHTML = "<style>.tile { fill: rgb(1, 2, 3); }</style>";
  document.body.innerHTML =
    '<svg class="board" viewBox="0 0 9 9"><g><rect class="tile" width="9"/><text>2</text></g></svg>';
  const found = standalone(document.querySelector("svg")!);
  expect(found).toContain('fill="rgb(1, 2, 3)"');
  expect(found).toContain("http://www.w3.org/2000/svg");
  expect(found).not.toContain("class=");
});
