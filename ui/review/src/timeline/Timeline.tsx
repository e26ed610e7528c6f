// A run at a glance, on one canvas: an evaluation graph, marks of judgements, the strip of disagreements, where one is.
// What does not move is drawn once into a picture; a step draws that picture and the cursor.
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Series } from "../api/queries.ts";
import { fixed, whole } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { useIsDark } from "../app/theme.ts";
import type { Change } from "../review/ReviewPage.tsx";
import type { ReviewSearch } from "../review/search.ts";
import { coloursOf } from "./colours.ts";
import { drawCursor, drawPicture, HEIGHT } from "./draw.ts";
import { graphsOf } from "./graphs.ts";
import styles from "./Timeline.module.css";

interface Props {
  series: Series;
  judged: Uint8Array;
  position: number;
  go: (position: number) => void;
  search: ReviewSearch;
  change: Change;
}

export function Timeline({ series, judged, position, go, search, change }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const isDark = useIsDark();
  const graphs = useMemo(() => graphsOf(series), [series]);
  const graph = graphs.find(({ name }) => name === search.graph) ?? graphs[0];
  const total = series.step_index!.length;
  const show = (name: string) => change({ graph: name === graphs[0]?.name ? undefined : name });
  useKeys([
    {
      key: "g",
      label: "Next evaluation graph",
      run: () => graph && show(graphs[(graphs.indexOf(graph) + 1) % graphs.length]!.name),
    },
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are looked up anew in the dark
  const picture = useMemo(() => {
    if (!canvas.current || width === 0) return null;
    return drawPicture(width, devicePixelRatio, coloursOf(canvas.current), {
      disagreement: series.disagreement,
      graph,
      judged,
    });
  }, [width, isDark, series, graph, judged]);
  useEffect(() => {
    if (picture && canvas.current) drawCursor(canvas.current, picture, position, total);
  }, [picture, position, total]);

  const follow = (event: PointerEvent<HTMLCanvasElement>) => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    go(Math.floor(((event.clientX - box.left) / box.width) * total));
  };
  return (
    <div className={styles.timeline}>
      <div className={styles.legend}>
        <span>
          graph{" "}
          <select aria-label="Graph" value={graph?.name ?? ""} onChange={(event) => show(event.target.value)}>
            {graphs.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </span>
        {graph ? (
          <span>
            {fixed(graph.values[position], 3)} here; {graph.scale}
          </span>
        ) : (
          <span>no column to draw</span>
        )}
        <span className={styles.key}>
          below: inaccuracies, mistakes, blunders by length; ≠ of each 16 steps
        </span>
      </div>
      <canvas
        ref={canvas}
        className={styles.canvas}
        style={{ height: HEIGHT }}
        role="img"
        aria-label="The run as a graph, with marks of judgements and a strip of disagreements"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          follow(event);
        }}
        onPointerMove={follow}
      />
      <input
        type="range"
        className={styles.slider}
        min={0}
        max={total - 1}
        value={position}
        aria-label="Step"
        aria-valuetext={`step ${series.step_index![position]}, ${whole(position + 1)} of ${whole(total)}`}
        onChange={(event) => go(Number(event.target.value))}
      />
    </div>
  );
}

function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const seen = element.current;
    if (!seen) return;
    const observer = new ResizeObserver(() => setWidth(seen.clientWidth));
    observer.observe(seen);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
