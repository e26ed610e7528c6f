// A board as SVG: tiles by exponent, each with its number, and where a move is worth showing, an arrow.
import styles from "./Board.module.css";

export const MOVES = ["Up", "Down", "Left", "Right"] as const;

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

export function Board({ exponents, className = "" }: { exponents: readonly number[]; className?: string }) {
  return (
    <svg
      className={`${styles.board} ${className}`}
      viewBox={`0 0 ${SIDE} ${SIDE}`}
      role="img"
      aria-label={inWords(exponents)}
    >
      <rect className={styles.frame} width={SIDE} height={SIDE} rx={8} />
      {exponents.map((exponent, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
        <Tile key={place} exponent={exponent} place={place} />
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
