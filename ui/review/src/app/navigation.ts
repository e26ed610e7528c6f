// The links of the header; a page that needs no session to begin with adds a line.
export const LINKS = [
  { to: "/", label: "Sessions" },
  { to: "/view/board", label: "Board" },
] as const;
