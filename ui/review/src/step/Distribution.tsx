import { argmax, bars, roleOf } from "./bins.ts";
import styles from "./Distribution.module.css";

interface Props {
  masses: readonly (number | null)[];
  names: readonly string[];
  token: number | null;
  move: string;
}

const HEIGHT = 30;
const FOOT = 5;

/** The bins of one move as bars; a triangle stands under the teacher's. */
export function Distribution({ masses, names, token, move }: Props) {
  const top = argmax(masses);
  const teacher = token === null ? "" : `; teacher ${names[token]}`;
  const label = `${move}: likeliest ${names[top]} ${(masses[top] ?? 0).toFixed(3)}${teacher}`;
  return (
    <svg
      className={styles.bins}
      viewBox={`0 0 ${masses.length} ${HEIGHT + FOOT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {bars(masses).map(({ height, alpha }, place) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place
          key={place}
          className={place === token ? styles.token : styles[roleOf(names[place]!)]}
          x={place + 0.1}
          width={0.8}
          y={HEIGHT * (1 - height)}
          height={HEIGHT * height}
          fillOpacity={place === token ? 1 : alpha}
        />
      ))}
      {token !== null && (
        <path className={styles.token} d={`M${token + 0.5} ${HEIGHT + 0.5} l0.9 ${FOOT - 0.5} h-1.8 z`} />
      )}
    </svg>
  );
}
