// All sessions, by pool: models over one pool stand together.
import { useQuery } from "@tanstack/react-query";
import { sessionsQuery } from "../api/queries.ts";
import type { Session } from "../api/schemas.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { byPool, labelOf, nameOfPool } from "./labels.ts";
import styles from "./SessionsPage.module.css";

export function SessionsPage() {
  const { data, error, refetch } = useQuery(sessionsQuery);
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="sessions" />;
  if (data.length === 0) {
    return (
      <Empty>
        No session yet. <code>railyard annotate pool=POOL init=MODEL</code> makes one; it appears here by
        itself.
      </Empty>
    );
  }
  return (
    <div className={styles.page}>
      <h1>Sessions</h1>
      {byPool(data).map(([pool, sessions]) => (
        <section key={pool}>
          <h2>{nameOfPool(pool)}</h2>
          <p className={styles.path}>{pool}</p>
          <ul>
            {sessions.map((session) => (
              <li key={session.id}>
                <Line session={session} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Line({ session }: { session: Session }) {
  return (
    <>
      <span className={styles.name}>{labelOf(session)}</span>
      <span className={styles.facts}>{session.id}</span>
    </>
  );
}
