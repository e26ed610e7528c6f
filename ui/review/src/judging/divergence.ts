// How far two distributions are apart, in nats.
/** Stands for 0 where the second gives a bin nothing: the smallest normal float32, as the server's. */
const TINY = 2 ** -126;

const total = (masses: readonly number[]): number => masses.reduce((sum, mass) => sum + mass, 0);

/** Masses divided by their sum; null where there is none. */
export function normalised(masses: readonly (number | null)[] | null): number[] | null {
  if (!masses || masses.some((mass) => mass === null || !Number.isFinite(mass))) return null;
  const sum = total(masses as number[]);
  return sum > 0 ? (masses as number[]).map((mass) => mass / sum) : null;
}

/** KL(one || other). */
export function divergence(one: readonly number[], other: readonly number[]): number {
  return total(
    one.map((p, place) => (p === 0 ? 0 : p * Math.log(p / Math.max(other[place] as number, TINY)))),
  );
}

/** The mean over heads, as a comparison of sessions takes it. */
export function meanDivergence(one: readonly number[][], other: readonly number[][]): number {
  return total(one.map((head, place) => divergence(head, other[place] as number[]))) / one.length;
}
