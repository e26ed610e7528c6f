// A board with the ways to take it elsewhere: a link, 16 numbers, a drawing.
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { Board } from "../board/Board.tsx";
import { boardText } from "../game/links.ts";
import { numbersText } from "../game/position.ts";
import type { Board as Exponents } from "../game/rules.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./ShownBoard.module.css";
import { download, standalone } from "./svg.ts";

interface Props {
  exponents: Exponents;
  /** The game that led here, as the board page has it in its address; that page itself shows no link to it. */
  game?: string;
}

const TRY = "/view/board";

export function ShownBoard({ exponents, game }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const code = boardText(exponents);
  const save = () => {
    const drawn = frame.current?.querySelector("svg");
    if (drawn) download(standalone(drawn), `board-${code}.svg`, "image/svg+xml");
  };
  return (
    <div className={styles.shown}>
      <div ref={frame} className={styles.board}>
        <Board exponents={exponents} />
      </div>
      <div className={styles.ways}>
        {game === undefined && (
          <Link to={TRY} search={{ board: code }}>
            Try it
          </Link>
        )}
        <CopyButton text={`${location.origin}${TRY}${game ?? `?board=${code}`}`}>Copy link</CopyButton>
        <CopyButton text={numbersText(exponents)}>Copy numbers</CopyButton>
        <button type="button" onClick={save}>
          Save SVG
        </button>
      </div>
    </div>
  );
}
