// A position to take along: its link, its 16 numbers, a drawing.
import { Link } from "@tanstack/react-router";
import type { Step } from "../api/schemas.ts";
import { boardText } from "../game/links.ts";
import { numbersText } from "../game/position.ts";
import { CopyButton } from "../share/CopyButton.tsx";
import { SaveSvg } from "../share/SaveSvg.tsx";
import styles from "./PositionLinks.module.css";

export function PositionLinks({ session, run, step }: { session: string; run: number; step: Step }) {
  const path = `/view/review/${encodeURIComponent(session)}?run=${run}&step=${step.step_index}`;
  return (
    <div className={styles.links}>
      <CopyButton text={location.origin + path}>Copy link</CopyButton>
      <CopyButton text={numbersText(step.board)}>Copy 16 numbers</CopyButton>
      <SaveSvg exponents={step.board} />
      <Link to="/view/board" search={{ board: boardText(step.board) }}>
        Try it
      </Link>
    </div>
  );
}
