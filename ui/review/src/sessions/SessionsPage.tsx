// All sessions, by pool: models over one pool stand together.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { sessionsQuery } from "../api/queries.ts";
import type { Session } from "../api/schemas.ts";
import { percent, whole } from "../app/format.ts";
import { Failed, Loading, Nothing } from "../app/states.tsx";
import { byPool, labelOf, nameOfPool } from "./labels.ts";
import styles from "./SessionsPage.module.css";

export function SessionsPage() {
  const { data, error, refetch } = useQuery({ ...sessionsQuery, refetchInterval: 5000 });
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="sessions" />;
  if (data.length === 0) {
    return (
      <Nothing title="No session yet">
        <code>railyard annotate pool=POOL init=MODEL</code> makes one; it appears here by itself.
      </Nothing>
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
  const facts = [
    session.rows === null ? null : `${whole(session.rows)} steps`,
    session.runs === null ? null : `${whole(session.runs)} runs`,
    session.pool_type === "selfplay" ? "self-play" : null,
    ...session.products,
    ...Object.entries(session.preparing).map(([name, share]) => `preparing ${name}: ${percent(share, 0)}`),
  ];
  return (
    <>
      {session.finished && !session.fault ? (
        <Link to="/view/review/$session" params={{ session: session.id }} className={styles.name}>
          {labelOf(session)}
        </Link>
      ) : (
        <span className={styles.name}>{labelOf(session)}</span>
      )}
      <span className={styles.facts}>
        {session.fault ?? (session.finished ? facts.filter(Boolean).join(", ") : "still being written")}
      </span>
    </>
  );
}
