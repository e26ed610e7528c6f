// A model's bins of one move: names, heights, entropy, and how far it is from the teacher's token.

export type Role = "illegal" | "failure" | "winner" | "bin";

/** Names of classes: the tokenizer's where it fits, else their numbers. */
export function binNames(count: number, vocabulary: readonly string[] | null): readonly string[] {
  if (vocabulary && vocabulary.length === count) return vocabulary;
  return Array.from({ length: count }, (_, place) => `bin ${place}`);
}

export function roleOf(name: string): Role {
  const found = name.toLowerCase();
  return found === "illegal" || found === "failure" || found === "winner" ? found : "bin";
}

/** In nats. */
export function entropy(masses: readonly (number | null)[]): number {
  const sum = total(masses);
  return masses.reduce<number>((found, mass) => {
    const p = (mass ?? 0) / sum;
    return p > 0 ? found - p * Math.log(p) : found;
  }, 0);
}

/** KL of the teacher's token, which is certain, to the model's bins: -ln of the mass of its class. */
export function divergence(masses: readonly (number | null)[], token: number): number {
  return -Math.log(masses[token] ?? 0);
}

export interface Bar {
  height: number;
  alpha: number;
}

/** As shares of the height of the plot, and how opaque. */
export function bars(masses: readonly (number | null)[]): Bar[] {
  const sum = total(masses);
  const most = Math.max(...masses.map((mass) => mass ?? 0)) || 1;
  return masses.map((mass) => ({
    height: Math.max((mass ?? 0) / sum, 0.06),
    alpha: 0.18 + (0.62 * (mass ?? 0)) / most,
  }));
}

const total = (masses: readonly (number | null)[]): number =>
  masses.reduce<number>((sum, mass) => sum + (mass ?? 0), 0) || 1;

/** The place of the first largest mass. */
export function argmax(masses: readonly (number | null)[]): number {
  let best = 0;
  masses.forEach((mass, place) => {
    if ((mass ?? 0) > (masses[best] ?? 0)) best = place;
  });
  return best;
}
