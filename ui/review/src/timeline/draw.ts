// Drawing of the timeline. Of several steps in one column of pixels the graph shows the span and the mean, marks the
// gravest, the strip the darkest.
import type { Colours } from "./colours.ts";
import type { Graph } from "./graphs.ts";
import { alphaOf, FOCUS, SEGMENT, shares } from "./strip.ts";

const GRAPH = 64;
const MARKS = 18;
const STRIP = 12;
const GAP = 3;
const MARK_WIDTH = 3;
export const HEIGHT = GRAPH + MARKS + STRIP + 2 * GAP;

export interface Picture {
  image: HTMLCanvasElement;
  colours: Colours;
  width: number;
  ratio: number;
}

export interface Drawn {
  disagreement: Float32Array | undefined;
  graph: Graph | undefined;
  judged: Uint8Array;
}

export function drawPicture(width: number, ratio: number, colours: Colours, drawn: Drawn): Picture {
  const image = document.createElement("canvas");
  image.width = Math.round(width * ratio);
  image.height = Math.round(HEIGHT * ratio);
  const pen = image.getContext("2d")!;
  pen.scale(ratio, ratio);
  pen.fillStyle = colours.line;
  pen.fillRect(0, GRAPH, width, 1);
  if (drawn.graph) drawGraph(pen, width, colours, drawn.graph);
  drawMarks(pen, width, colours, drawn.judged);
  if (drawn.disagreement) drawStrip(pen, width, colours, drawn.disagreement);
  return { image, colours, width, ratio };
}

/** For each column of pixels, the first and the last step in it; a step may be wider than a pixel. */
function* columns(width: number, total: number): Generator<[x: number, first: number, end: number]> {
  for (let x = 0; x < width; x += 1) {
    const first = Math.floor((x * total) / width);
    yield [x, first, Math.max(first + 1, Math.floor(((x + 1) * total) / width))];
  }
}

function drawGraph(pen: CanvasRenderingContext2D, width: number, colours: Colours, graph: Graph): void {
  const y = (value: number) => GRAPH - 1 - graph.heightOf(value) * (GRAPH - 4);
  pen.strokeStyle = colours.model;
  pen.lineWidth = 1.25;
  pen.beginPath();
  let isOn = false;
  pen.fillStyle = colours.model;
  for (const [x, first, end] of columns(width, graph.values.length)) {
    let [low, high, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for (let step = first; step < end; step += 1) {
      const value = graph.values[step]!;
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
      count += 1;
    }
    if (count === 0) {
      isOn = false;
      continue;
    }
    pen.globalAlpha = 0.3;
    pen.fillRect(x, y(high), 1, Math.max(1, y(low) - y(high)));
    pen.globalAlpha = 1;
    if (isOn) pen.lineTo(x, y(sum / count));
    else pen.moveTo(x, y(sum / count));
    isOn = true;
  }
  pen.stroke();
}

/** Of each few pixels the share of inaccuracies, mistakes and blunders: they differ in length as well as in colour. */
function drawMarks(pen: CanvasRenderingContext2D, width: number, colours: Colours, judged: Uint8Array): void {
  const looks = [
    { judgement: 4, length: 1, colour: colours.bad },
    { judgement: 3, length: 0.6, colour: colours.warn },
    { judgement: 2, length: 0.35, colour: colours.soft },
  ];
  const buckets = Math.min(judged.length, Math.floor(width / MARK_WIDTH));
  for (const [place, first, end] of columns(buckets, judged.length)) {
    let bottom = GRAPH + GAP + MARKS;
    for (const { judgement, length, colour } of looks) {
      let count = 0;
      for (let step = first; step < end; step += 1) if (judged[step] === judgement) count += 1;
      const height = (MARKS * length * count) / (end - first);
      pen.fillStyle = colour;
      pen.fillRect((place * width) / buckets, bottom - height, MARK_WIDTH - 0.5, height);
      bottom -= height;
    }
  }
}

function drawStrip(
  pen: CanvasRenderingContext2D,
  width: number,
  colours: Colours,
  differs: Float32Array,
): void {
  const found = shares(differs);
  const top = HEIGHT - STRIP;
  pen.fillStyle = colours.bad;
  for (const [x, first, end] of columns(width, differs.length)) {
    let share = 0;
    for (
      let segment = Math.floor(first / SEGMENT);
      segment <= Math.floor((end - 1) / SEGMENT);
      segment += 1
    ) {
      share = Math.max(share, found[segment]!);
    }
    pen.globalAlpha = alphaOf(share);
    pen.fillRect(x, top, 1, STRIP);
  }
  pen.globalAlpha = 1;
}

/** The picture, with the step that is shown and on the strip those within FOCUS of it. */
export function drawCursor(
  canvas: HTMLCanvasElement,
  picture: Picture,
  position: number,
  total: number,
): void {
  const { image, colours, width, ratio } = picture;
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  const pen = canvas.getContext("2d")!;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0);
  pen.scale(ratio, ratio);
  const at = (step: number) => (step * width) / total;
  pen.strokeStyle = colours.text;
  const left = Math.max(0, at(position - FOCUS));
  const right = Math.min(width, at(position + FOCUS + 1));
  pen.lineWidth = 1;
  pen.strokeRect(left + 0.5, HEIGHT - STRIP + 0.5, Math.max(2, right - left - 1), STRIP - 1);
  pen.fillStyle = colours.accent;
  pen.fillRect(at(position + 0.5) - 1, 0, 2, HEIGHT);
}
