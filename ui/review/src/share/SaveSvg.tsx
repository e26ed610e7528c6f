import type { MouseEvent } from "react";
import { boardText } from "../game/links.ts";
import type { Board } from "../game/rules.ts";
import { download, standalone } from "./svg.ts";

/** Saves the drawing of the board that stands with it inside one element marked `data-position`. */
export function SaveSvg({ exponents }: { exponents: Board }) {
  const save = (event: MouseEvent<HTMLElement>) => {
    const drawn = event.currentTarget.closest("[data-position]")?.querySelector("svg");
    if (drawn) download(standalone(drawn), `board-${boardText(exponents)}.svg`, "image/svg+xml");
  };
  return (
    <button type="button" onClick={save}>
      Save SVG
    </button>
  );
}
