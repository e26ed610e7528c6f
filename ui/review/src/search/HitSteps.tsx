import { whole } from "../app/format.ts";
import styles from "./HitSteps.module.css";
import type { useHits } from "./useHits.ts";

/** Where one stands among the hits, and the next and previous of them. */
export function HitSteps({ found }: { found: ReturnType<typeof useHits> }) {
  const { hits, total, before, place, behind, go } = found;
  return (
    <div className={styles.steps}>
      <span>
        {place < 0 ? "" : `${whole(place + 1)} of `}
        <strong>{whole(total)}</strong> {total === 1 ? "step" : "steps"}
      </span>
      <button type="button" onClick={() => go("before")} disabled={before < 0}>
        Previous
      </button>
      <button type="button" onClick={() => go("behind")} disabled={behind >= hits.length}>
        Next
      </button>
    </div>
  );
}
