// Two models over one pool: what the second sets right and spoils, how far they are apart, and why they may be.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { getJson, sessionPath } from "../api/client.ts";
import { sessionsQuery } from "../api/queries.ts";
import { Compared } from "../api/schemas.ts";
import { fixed, whole } from "../app/format.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { FoundHits } from "../search/FoundHits.tsx";
import { SearchBar } from "../search/SearchBar.tsx";
import { labelOf } from "../sessions/labels.ts";
import { SessionLinks } from "../sessions/SessionLinks.tsx";
import tables from "../share/tables.module.css";
import type { CompareParameters } from "./address.ts";
import styles from "./ComparePage.module.css";
import { Groups } from "./Groups.tsx";

const route = getRouteApi("/view/compare/$session");

const comparedQuery = (session: string, other: string) =>
  queryOptions({
    queryKey: ["session", session, "compared", other],
    queryFn: ({ signal }) =>
      getJson(sessionPath(session, `compare/${encodeURIComponent(other)}`), Compared, signal),
  });

export function ComparePage() {
  const { session } = route.useParams();
  const { other } = route.useSearch();
  return (
    <div className={styles.page}>
      <SessionLinks session={session} page="compare" />
      <OtherChoice session={session} other={other} />
      {other && <Comparison key={`${session} ${other}`} session={session} other={other} />}
    </div>
  );
}

function OtherChoice({ session: id, other = "" }: { session: string; other: string | undefined }) {
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery(sessionsQuery);
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="sessions" />;
  const pool = data.find((found) => found.id === id)?.pool;
  const others = data.filter((found) => found.pool === pool && found.id !== id && found.finished);
  if (!others.length) {
    return <Empty>There is no other finished session over this pool: annotate it with a second model.</Empty>;
  }
  const choose = (next: string) =>
    navigate({ search: (before) => ({ ...before, other: next, row: undefined }) });
  return (
    <label>
      against{" "}
      <select value={other} onChange={(event) => choose(event.target.value)}>
        <option value="" disabled>
          choose a second model
        </option>
        {others.map((session) => (
          <option key={session.id} value={session.id}>
            {labelOf(session)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Comparison({ session, other }: { session: string; other: string }) {
  const { group = "fixed", where = "", sort = "", row } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: CompareParameters, replace = false) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace });
  const { data, error, refetch } = useQuery(comparedQuery(session, other));
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="the comparison" />;
  const { divergence, provenance } = data;
  return (
    <>
      <SearchBar session={session} where={where} ask={(next) => change({ where: next, row: undefined })} />
      <p className={styles.note}>
        Conditions are about the first model's columns; <code>run_id=3</code> compares on one run.
      </p>
      <Groups
        session={session}
        other={other}
        where={where}
        whole={data.groups}
        group={group}
        choose={(next) => change({ group: next, row: undefined })}
      />
      <p>
        {divergence === null
          ? "The sessions hold no distributions that can be compared."
          : `KL of the first model's ${divergence.of} to the second's: ${fixed(divergence.mean, 4)} nats, the mean over ${whole(divergence.rows)} steps.`}
      </p>
      <Provenance said={provenance} />
      <FoundHits
        question={{ session, other, group, where, sort }}
        row={row}
        show={(hit) => change({ row: hit.row }, true)}
      />
    </>
  );
}

function Provenance({ said }: { said: Compared["provenance"] }) {
  const names = Object.keys(said);
  if (!names.length) return <p>The two sessions say the same of how they were made.</p>;
  return (
    <details className={styles.provenance}>
      <summary>What differs in how they were made ({names.length})</summary>
      <table className={tables.texts}>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">First</th>
            <th scope="col">Second</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{told(said[name]?.first)}</td>
              <td>{told(said[name]?.second)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

const told = (value: unknown): string =>
  value === null || value === undefined
    ? "not told"
    : typeof value === "string"
      ? value
      : JSON.stringify(value);
