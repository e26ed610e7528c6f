// A board as SVG: tiles by exponent, each with its number, and where a move is worth showing, an arrow.
import styles from "./Board.module.css";

export const MOVES = ["Up", "Down", "Left", "Right"] as const;
/** The keys of the moves. */
export const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const;

const CELL = 100;
const GAP = 8;
const SIDE = 4 * CELL + GAP;

/** The number on a tile; "" for an empty cell. */
export const tileOf = (exponent: number): string => (exponent === 0 ? "" : String(2 ** exponent));

/** A board in words, row by row, for who does not see it. */
export function inWords(exponents: readonly number[]): string {
  const rows = [0, 4, 8, 12].map((first) =>
    exponents
      .slice(first, first + 4)
      .map((exponent) => tileOf(exponent) || "empty")
      .join(" "),
  );
  return `Board, row by row: ${rows.join("; ")}`;
}

const SIZES = [0, 46, 46, 40, 32, 27];

export interface Arrow {
  move: number;
  by: "teacher" | "model";
}

interface Props {
  exponents: readonly number[];
  /** Shown at the edges that the moves go to; of two at one edge, side by side. */
  arrows?: readonly Arrow[];
  className?: string;
}

/** Room for arrows around the board. */
const MARGIN = 34;

export function Board({ exponents, arrows, className = "" }: Props) {
  const margin = arrows ? MARGIN : 0;
  return (
    <svg
      className={`${styles.board} ${className}`}
      viewBox={`${-margin} ${-margin} ${SIDE + 2 * margin} ${SIDE + 2 * margin}`}
      role="img"
      aria-label={inWords(exponents)}
    >
      <rect className={styles.frame} width={SIDE} height={SIDE} rx={8} />
      {exponents.map((exponent, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
        <Tile key={place} exponent={exponent} place={place} />
      ))}
      {arrows?.map((arrow) => (
        <ArrowHead
          key={arrow.by}
          {...arrow}
          isPaired={arrows.length > 1 && arrows.every(({ move }) => move === arrow.move)}
        />
      ))}
    </svg>
  );
}

function Tile({ exponent, place }: { exponent: number; place: number }) {
  const text = tileOf(exponent);
  const x = (place % 4) * CELL + GAP;
  const y = Math.floor(place / 4) * CELL + GAP;
  const size = CELL - GAP;
  return (
    <g className={styles[`t${Math.min(exponent, 17)}`]}>
      <rect x={x} y={y} width={size} height={size} rx={5} />
      {text && (
        <text x={x + size / 2} y={y + size / 2} fontSize={SIZES[text.length] ?? 23}>
          {text}
        </text>
      )}
    </g>
  );
}

// degrees that an arrow to the top is turned by
const TURNS = [0, 180, 270, 90];

/** A triangle at the edge that a move goes to; a model's is hollow. */
function ArrowHead({ move, by, isPaired }: Arrow & { isPaired: boolean }) {
  const half = SIDE / 2;
  const aside = isPaired ? (by === "teacher" ? -50 : 50) : 0;
  return (
    <g
      className={styles[by]}
      transform={`rotate(${TURNS[move]} ${half} ${half}) translate(${half + aside} -5)`}
    >
      <path d="M-30 0 L0 -26 L30 0 Z" />
    </g>
  );
}
