// Which steps of a run are held: 257 around the one that is shown, moved on when it comes near an edge.
export const WINDOW = 257;
export const EDGE = 8;

/** Offset of the window around a step. */
export function centred(position: number, total: number): number {
  return Math.max(0, Math.min(position - (WINDOW - 1) / 2, total - WINDOW));
}

/** The window to hold next: the present one, unless the step is out of it or within EDGE of an end that is not the run's. */
export function moved(offset: number, position: number, total: number): number {
  const isNearStart = position < offset + EDGE && offset > 0;
  const isNearEnd = position >= offset + WINDOW - EDGE && offset + WINDOW < total;
  return isNearStart || isNearEnd ? centred(position, total) : offset;
}
