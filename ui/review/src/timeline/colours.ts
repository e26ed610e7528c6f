// The colours of the page for a canvas, which knows nothing of custom properties.
const NAMES = ["panel", "line", "text", "dim", "accent", "model", "soft", "warn", "bad"] as const;
export type Colours = Record<(typeof NAMES)[number], string>;

export function coloursOf(element: HTMLElement): Colours {
  const before = element.style.color;
  const found = NAMES.map((name) => {
    element.style.color = `var(--${name})`;
    return [name, getComputedStyle(element).color];
  });
  element.style.color = before;
  return Object.fromEntries(found);
}
