// A board that is drawn on the page as an SVG file of its own: what style sheets say stands in its attributes.
const KEPT = ["fill", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline"];
const SIZE = "480";

export function standalone(drawn: SVGSVGElement): string {
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  const parts = [...drawn.querySelectorAll("*")];
  for (const [place, part] of [...copy.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(parts[place]!);
    part.removeAttribute("class");
    for (const name of KEPT) {
      if (part.tagName === "text" || name === "fill") part.setAttribute(name, style.getPropertyValue(name));
    }
  }
  copy.removeAttribute("class");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", SIZE);
  copy.setAttribute("height", SIZE);
  return new XMLSerializer().serializeToString(copy);
}

/** Has the browser keep a text as a file. */
export function download(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
