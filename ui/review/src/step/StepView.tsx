// A step: its board beside everything that teacher and model say of its four moves.
import { type ReactNode, useMemo } from "react";
import type { Session } from "../api/schemas.ts";
import { useKeys } from "../app/keys.tsx";
import { Failed, Loading } from "../app/states.tsx";
import { type Arrow, Board } from "../board/Board.tsx";
import type { Change } from "../review/ReviewPage.tsx";
import type { ReviewSearch } from "../review/search.ts";
import type { StepWindow } from "../review/useWindow.ts";
import { MoveInsights } from "./MoveInsights.tsx";
import { PositionLinks } from "./PositionLinks.tsx";
import styles from "./StepView.module.css";
import { previewOf, TokenizerPreview } from "./TokenizerPreview.tsx";
import { ValueHeads } from "./ValueHeads.tsx";
import { VerdictLine } from "./VerdictLine.tsx";
import { teacherValues, type Verdict, verdict } from "./values.ts";

interface Props {
  session: Session;
  run: number;
  window: StepWindow;
  search: ReviewSearch;
  change: Change;
  /** What is said beside the verdict. */
  children: ReactNode;
}

export function StepView({ session, run, window, search, change, children }: Props) {
  const { step, error, again } = window;
  const isOn = search.tokens ?? false;
  const toggle = () => change({ tokens: isOn ? undefined : true });
  useKeys([
    { key: "t", label: "Tokenizer preview on or off", run: toggle },
    { key: "b", label: "All bins shown or not", run: () => change({ bins: search.bins ? undefined : true }) },
  ]);
  const said = useMemo(() => {
    if (!step) return null;
    const teacher = teacherValues(step);
    return { teacher, verdict: verdict(step, teacher) };
  }, [step]);
  if (error && !step) return <Failed error={error} again={again} />;
  if (!step || !said) return <Loading what="the step" />;
  const vocabulary = session.vocab_order ?? vocabularyOf(session);
  return (
    <div className={styles.step}>
      <div className={styles.left} data-position>
        <Board exponents={step.board} arrows={arrowsOf(said.verdict)} />
        <p className={styles.legend}>▲ {step.teacher.action === null ? "played" : "teacher"}, △ model</p>
        <PositionLinks session={session.id} run={run} step={step} />
        <ValueHeads values={step.values} />
      </div>
      <div className={styles.right}>
        <VerdictLine step={step} verdict={said.verdict} />
        {children}
        <TokenizerPreview
          isOn={isOn}
          toggle={toggle}
          preview={previewOf(isOn, session.vocab_order !== null, step, window.tokensFault)}
        />
        <MoveInsights
          step={step}
          teacher={said.teacher}
          verdict={said.verdict}
          vocabulary={vocabulary}
          showsBins={search.bins ?? false}
          toggleBins={(shown) => change({ bins: shown || undefined })}
        />
      </div>
    </div>
  );
}

function arrowsOf({ reference, model }: Verdict): Arrow[] {
  const found: Arrow[] = [];
  if (reference !== null) found.push({ move: reference, by: "teacher" });
  if (model !== null) found.push({ move: model, by: "model" });
  return found;
}

/** The classes of the model that was asked, where the session has no tokenizer of its own. */
function vocabularyOf(session: Session): string[] | null {
  const said = session.provenance?.vocab_order;
  return Array.isArray(said) && said.every((name) => typeof name === "string") ? said : null;
}
