import { whole } from "../app/format.ts";
import styles from "./HitSteps.module.css";
import type { useHits } from "./useHits.ts";

/** Where one stands among the hits, and the next and previous of them. */
export function HitSteps({ found }: { found: ReturnType<typeof useHits> }) {
  const { hits, total, place, go } = found;
  return (
    <div className={styles.steps}>
      <span>
        {place < 0 ? "" : `${whole(place + 1)} of `}
        <strong>{whole(total)}</strong> {total === 1 ? "step" : "steps"}
      </span>
      <button type="button" onClick={() => go(-1)} disabled={place <= 0}>
        Previous
      </button>
      <button type="button" onClick={() => go(1)} disabled={place === hits.length - 1}>
        Next
      </button>
    </div>
  );
}
