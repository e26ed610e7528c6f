// One hit: its board, what was played, what teacher and model say of the four moves, and where to go on.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Hit, Step } from "../api/schemas.ts";
import { whole } from "../app/format.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { ShownBoard } from "../share/ShownBoard.tsx";
import styles from "./HitView.module.css";
import { MoveTable } from "./MoveTable.tsx";
import { hitStepQuery, rowQuery } from "./queries.ts";

interface Props {
  session: string;
  row: number;
  /** A second session, whose model is told, too. */
  other?: string;
  /** The search that found it, which the review page goes on with. */
  search?: { where: string; sort: string };
}

/** The hit in a row of the pool, found by that number alone, so that a link shows it without its search. */
export function HitOfRow({ session, row, other, search }: Props) {
  const { data: hit, error, refetch } = useQuery(rowQuery(session, row));
  if (error) return <Failed error={error} again={refetch} />;
  if (hit === undefined) return <Loading what="the step" />;
  if (hit === null) return <Empty>This session has no row {whole(row)}.</Empty>;
  return <HitView session={session} hit={hit} other={other} search={search} />;
}

interface ViewProps {
  session: string;
  hit: Hit;
  other: string | undefined;
  search: Props["search"];
}

function HitView({ session, hit, other, search }: ViewProps) {
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
            search={{ run: hit.run_id, step: hit.step_index, ...search }}
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
