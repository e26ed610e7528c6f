// Which columns of a run can be drawn, how they are called, and where a value stands between bottom and top.
import type { Series } from "../api/queries.ts";
import { whole } from "../app/format.ts";

export interface Graph {
  name: string;
  label: string;
  values: Float32Array;
  /** 0 the bottom, 1 the top. */
  heightOf: (value: number) => number;
  /** The scale in words. */
  scale: string;
}

const LABELS: Record<string, string> = {
  ev_loss: "EV loss of the model",
  played_loss: "EV loss of the moves played",
  model_top_prob: "model_top_prob",
  entropy: "entropy",
};

/** Those columns of which something is known. */
export function graphsOf(series: Series): Graph[] {
  return Object.entries(series)
    .filter(
      ([name, values]) =>
        (name in LABELS || name.startsWith("value_")) && values.some((one) => !Number.isNaN(one)),
    )
    .map(([name, values]) => ({
      name,
      label: LABELS[name] ?? name.replace("value_", "value "),
      values,
      ...scaleOf(name, values),
    }));
}

function scaleOf(name: string, values: Float32Array): Pick<Graph, "heightOf" | "scale"> {
  if (name === "model_top_prob" || name.startsWith("value_"))
    return { heightOf: (value) => value, scale: "from 0 to 1" };
  let most = 0;
  for (const value of values) if (value > most && Number.isFinite(value)) most = value;
  if (name === "entropy")
    return { heightOf: (value) => value / (most || 1), scale: `from 0 to ${most.toFixed(2)} nats` };
  const top = Math.log1p(most) || 1;
  return {
    heightOf: (value) => Math.log1p(value) / top,
    scale: `logarithmic, up to ${whole(Math.round(most))}`,
  };
}
