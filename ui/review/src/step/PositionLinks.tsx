// A position to take along: its link, its 16 numbers.
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Step } from "../api/schemas.ts";
import { boardText } from "../game/links.ts";
import { SaveSvg } from "../share/SaveSvg.tsx";
import styles from "./PositionLinks.module.css";

export function PositionLinks({ session, run, step }: { session: string; run: number; step: Step }) {
  const [said, setSaid] = useState("");
  const copy = async (text: string, what: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(`${what} copied`);
    } catch {
      setSaid(text);
    }
  };
  const path = `/view/review/${encodeURIComponent(session)}?run=${run}&step=${step.step_index}`;
  return (
    <div className={styles.links}>
      <button type="button" onClick={() => copy(location.origin + path, "link")}>
        Copy link
      </button>
      <button type="button" onClick={() => copy(step.board.join(" "), "16 numbers")}>
        Copy 16 numbers
      </button>
      <SaveSvg exponents={step.board} />
      <Link to="/view/board" search={{ board: boardText(step.board) }}>
        Try it
      </Link>
      <span role="status" className={styles.said}>
        {said}
      </span>
    </div>
  );
}
