import { expect, test } from "vitest";
import type { Step } from "../api/schemas.ts";
import { previewOf } from "./TokenizerPreview.tsx";

const bins = { num_bins: 1, heads: [[1], [1], [1], [1]] };
const whole = { tokens: [0, 1, 2, 3], student_bins: bins } as unknown as Step;

test("four different things are four different words", () => {
  const words = [
    previewOf(false, true, whole, null),
    previewOf(true, true, { student_bins: bins } as unknown as Step, null),
    previewOf(true, true, { tokens: [0, 1, 2, 3] } as unknown as Step, null),
    previewOf(true, false, whole, null),
  ];
  expect(words).toEqual([
    ["off"],
    ["teacher token unavailable"],
    ["student bins unavailable"],
    ["no tokenizer loaded"],
  ]);
  expect(previewOf(true, true, whole, null)).toEqual([]);
  expect(previewOf(true, true, whole, "gone")).toEqual(["tokenizer lost: gone"]);
});
