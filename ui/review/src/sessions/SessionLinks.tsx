// The pages of a session, and which session it is.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { sessionsQuery } from "../api/queries.ts";
import { labelOf, nameOfPool } from "./labels.ts";
import styles from "./SessionLinks.module.css";

const PAGES = [
  { page: "review", to: "/view/review/$session", label: "Review" },
  { page: "search", to: "/view/search/$session", label: "Search" },
  { page: "compare", to: "/view/compare/$session", label: "Compare" },
  { page: "practice", to: "/view/practice/$session", label: "Practice" },
] as const;
export type SessionPage = (typeof PAGES)[number]["page"];

export function SessionLinks({ session: id, page }: { session: string; page: SessionPage }) {
  const { data } = useQuery(sessionsQuery);
  const session = data?.find((found) => found.id === id);
  return (
    <div className={styles.links}>
      <h1>{session ? `${nameOfPool(session.pool)}, ${labelOf(session)}` : id}</h1>
      <SessionNav session={id} page={page} />
    </div>
  );
}

export function SessionNav({ session, page: shown }: { session: string; page: SessionPage }) {
  return (
    <nav className={styles.nav} aria-label="Pages of this session">
      {PAGES.map(({ page, to, label }) => (
        <Link key={page} to={to} params={{ session }} aria-current={page === shown ? "page" : undefined}>
          {label}
        </Link>
      ))}
    </nav>
  );
}
