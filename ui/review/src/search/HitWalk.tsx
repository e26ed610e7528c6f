// The search that one came from, above the step that is reviewed: its next and previous hit, whatever their runs.
import { Link } from "@tanstack/react-router";
import type { Hit } from "../api/schemas.ts";
import { Failed } from "../app/states.tsx";
import type { Shown } from "../review/usePosition.ts";
import { awayFromStep } from "./around.ts";
import { HitSteps } from "./HitSteps.tsx";
import styles from "./HitWalk.module.css";
import { useHits } from "./useHits.ts";

interface Props {
  session: string;
  where: string;
  sort: string;
  /** Run and step of the URL. */
  run: number | undefined;
  step: number | undefined;
  shown: Shown;
  show: (hit: Hit) => void;
}

export function HitWalk({ session, where, sort, run, step, shown, show }: Props) {
  const found = useHits({
    question: { session, where, sort },
    away: awayFromStep(run, step, sort),
    awayNow: (hit) => awayFromStep(run, shown.current?.step ?? step, sort)(hit),
    show: (hit) => {
      // told at once, as the URL may name this very hit still
      if (hit.run_id === run) shown.current?.show(hit.step_index);
      show(hit);
    },
  });
  if (found.error) return <Failed error={found.error} again={found.refetch} />;
  return (
    <section className={styles.walk} aria-label="Search">
      <Link to="/view/search/$session" params={{ session }} search={{ where, sort }}>
        <code>{where}</code>
      </Link>
      <HitSteps found={found} />
    </section>
  );
}
