// Which model speaks, and the others over the same pool, one key away.
import { useNavigate } from "@tanstack/react-router";
import type { Session } from "../api/schemas.ts";
import { useKeys } from "../app/keys.tsx";
import type { ReviewSearch } from "../review/search.ts";
import type { Shown } from "../review/usePosition.ts";
import { labelOf, nameOfPool } from "./labels.ts";
import styles from "./SessionHead.module.css";
import { SessionNav } from "./SessionLinks.tsx";

interface Props {
  session: Session;
  among: readonly Session[];
  search: ReviewSearch;
  shown: Shown;
}

export function SessionHead({ session, among, search, shown }: Props) {
  const navigate = useNavigate();
  const models = among.filter((other) => other.pool === session.pool && other.finished);
  const open = (id: string) =>
    navigate({
      to: "/view/review/$session",
      params: { session: id },
      search: { ...search, step: shown.current?.step ?? search.step },
    });
  const following = models[(models.findIndex(({ id }) => id === session.id) + 1) % models.length];
  useKeys([
    {
      key: "c",
      label: "Change to the next model over this pool",
      run: () => following && open(following.id),
    },
  ]);
  return (
    <div className={styles.head}>
      <h1>{nameOfPool(session.pool)}</h1>
      {models.length > 1 ? (
        <span>
          model{" "}
          <select aria-label="Model" value={session.id} onChange={(event) => open(event.target.value)}>
            {models.map((model) => (
              <option key={model.id} value={model.id}>
                {labelOf(model)}
              </option>
            ))}
          </select>
        </span>
      ) : (
        <span>model {labelOf(session)}</span>
      )}
      <SessionNav session={session.id} page="review" />
      <Provenance session={session} />
      {session.pool_type === "selfplay" && <span className={styles.kind}>self-play: no teacher</span>}
    </div>
  );
}

/** What the manifest says of the model; of annotations made elsewhere it says nothing. */
function Provenance({ session }: { session: Session }) {
  const said = Object.entries(session.provenance ?? {}).filter(([, value]) => typeof value !== "object");
  if (said.length === 0) return null;
  return (
    <details className={styles.provenance}>
      <summary>provenance</summary>
      <dl>
        {said.map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
