import { expect, test } from "vitest";
import { graphsOf } from "./graphs.ts";

const unknown = new Float32Array([Number.NaN, Number.NaN]);

test("what is known is drawn: losses by their logarithm, the rest in proportion", () => {
  const found = graphsOf({
    step_index: new Float32Array([0, 1]),
    ev_loss: new Float32Array([0, 99]),
    played_loss: unknown,
    entropy: new Float32Array([1, 2]),
    model_top_prob: new Float32Array([0.25, 0.5]),
    value_p_die: new Float32Array([0, 0.1]),
  });
  expect(found.map(({ label }) => label)).toEqual([
    "EV loss of the model",
    "entropy",
    "model_top_prob",
    "value p_die",
  ]);
  const [loss, entropy, top] = found;
  expect([loss!.heightOf(0), loss!.heightOf(9), loss!.heightOf(99)]).toEqual([0, expect.closeTo(0.5), 1]);
  expect(entropy!.heightOf(1)).toBe(0.5);
  expect(top!.heightOf(0.25)).toBe(0.25);
});
