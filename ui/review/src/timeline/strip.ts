// The strip of disagreements: how many steps of each 16 differ, and how dark that is.
export const SEGMENT = 16;
export const FOCUS = 8;

/** Share of steps above 0 in each segment of a run; unknown steps count as equal. */
export function shares(differs: Float32Array): Float32Array {
  const found = new Float32Array(Math.ceil(differs.length / SEGMENT));
  for (let step = 0; step < differs.length; step += 1) {
    if (differs[step]! > 0) found[Math.floor(step / SEGMENT)]! += 1;
  }
  return found.map((count, place) => count / Math.min(SEGMENT, differs.length - place * SEGMENT));
}

export const alphaOf = (share: number): number => 0.1 + 0.9 * share ** 0.7;
