// A board with the ways to take it elsewhere: a link, 16 numbers, a drawing.
import { Link } from "@tanstack/react-router";
import { Board } from "../board/Board.tsx";
import { boardText } from "../game/links.ts";
import { numbersText } from "../game/position.ts";
import type { Board as Exponents } from "../game/rules.ts";
import { CopyButton } from "./CopyButton.tsx";
import { SaveSvg } from "./SaveSvg.tsx";
import styles from "./ShownBoard.module.css";

interface Props {
  exponents: Exponents;
  /** The game that led here, as the board page has it in its address; that page itself shows no link to it. */
  game?: string;
}

const TRY = "/view/board";

export function ShownBoard({ exponents, game }: Props) {
  const code = boardText(exponents);
  return (
    <div className={styles.shown} data-position>
      <Board exponents={exponents} />
      <div className={styles.ways}>
        {game === undefined && (
          <Link to={TRY} search={{ board: code }}>
            Try it
          </Link>
        )}
        <CopyButton text={`${location.origin}${TRY}${game ?? `?board=${code}`}`}>Copy link</CopyButton>
        <CopyButton text={numbersText(exponents)}>Copy numbers</CopyButton>
        <SaveSvg exponents={exponents} />
      </div>
    </div>
  );
}
