// One hit: its board, what was played, what teacher and model say of the four moves, and where to go on.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Hit, Step } from "../api/schemas.ts";
import { whole } from "../app/format.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { ShownBoard } from "../share/ShownBoard.tsx";
import styles from "./HitView.module.css";
import { MoveTable } from "./MoveTable.tsx";
import { hitStepQuery, type Question, rowQuery } from "./queries.ts";

interface Props {
  /** The search that found it: of a comparison the second model is told, too; on another the review page goes on. */
  question: Question;
  row: number;
}

/** The hit in a row of the pool, found by that number alone, so that a link shows it without its search. */
export function HitOfRow({ question, row }: Props) {
  const { data: hit, error, refetch } = useQuery(rowQuery(question.session, row));
  if (error) return <Failed error={error} again={refetch} />;
  if (hit === undefined) return <Loading what="the step" />;
  if (hit === null) return <Empty>This session has no row {whole(row)}.</Empty>;
  return <HitView question={question} hit={hit} />;
}

function HitView({ question, hit }: { question: Question; hit: Hit }) {
  const { session, other, where, sort } = question;
  const { data: step, error, refetch } = useQuery(hitStepQuery(session, hit));
  if (error) return <Failed error={error} again={refetch} />;
  if (!step) return <Loading what="the step" />;
  return (
    <article className={styles.hit} aria-label={`Run ${hit.run_id}, step ${hit.step_index}`}>
      <h2>
        Run {hit.run_id}, step {whole(hit.step_index)}
      </h2>
      <div className={styles.parts}>
        <ShownBoard exponents={step.board} />
        <div>
          <MoveTable step={step} />
          {other && <OtherModel session={other} hit={hit} first={step} />}
          <Link
            to="/view/review/$session"
            params={{ session }}
            search={{ run: hit.run_id, step: hit.step_index, ...(other ? {} : { where, sort }) }}
            className={styles.open}
          >
            Open in review
          </Link>
        </div>
      </div>
    </article>
  );
}

function OtherModel({ session, hit, first }: { session: string; hit: Hit; first: Step }) {
  const { data: step, error } = useQuery(hitStepQuery(session, hit));
  if (error) return <Failed error={error} />;
  if (!step) return <Loading what="the second model" />;
  return <MoveTable step={step} against={first} />;
}
