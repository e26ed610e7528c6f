import { expect, test } from "vitest";
import { centred, moved, WINDOW } from "./window.ts";

test("the window lies around the step and within the run", () => {
  expect(centred(500, 1000)).toBe(500 - 128);
  expect(centred(3, 1000)).toBe(0);
  expect(centred(999, 1000)).toBe(1000 - WINDOW);
  expect(centred(50, 100)).toBe(0);
});

test("it stays until the step is within 8 of an edge", () => {
  expect(moved(372, 380, 1000)).toBe(372);
  expect(moved(372, 379, 1000)).toBe(379 - 128);
  expect(moved(372, 620, 1000)).toBe(372);
  expect(moved(372, 621, 1000)).toBe(621 - 128);
});

test("ends of the run are no edges", () => {
  expect(moved(0, 0, 1000)).toBe(0);
  expect(moved(743, 999, 1000)).toBe(743);
  expect(moved(0, 99, 100)).toBe(0);
});
