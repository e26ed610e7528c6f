// The search that one came from, above the step that is reviewed: its next and previous hit, whatever their runs.
import { Link } from "@tanstack/react-router";
import type { Hit } from "../api/schemas.ts";
import { Failed } from "../app/states.tsx";
import { HitSteps } from "./HitSteps.tsx";
import styles from "./HitWalk.module.css";
import { useHits } from "./useHits.ts";

interface Props {
  session: string;
  where: string;
  sort: string;
  run: number | undefined;
  step: number | undefined;
  show: (hit: Hit) => void;
}

export function HitWalk({ session, where, sort, run, step, show }: Props) {
  const found = useHits({
    question: { session, where, sort },
    isShown: (hit) => hit.run_id === run && hit.step_index === step,
    // without a sort hits come run by run
    isAhead: (last) => run !== undefined && (sort !== "" || last.run_id <= run),
    show,
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
