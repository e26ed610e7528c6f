// Steps of a session that meet conditions: one key away from each other, across runs.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { SessionLinks } from "../sessions/SessionLinks.tsx";
import { CopyButton } from "../share/CopyButton.tsx";
import type { SearchParameters } from "./address.ts";
import { FoundHits } from "./FoundHits.tsx";
import { columnsQuery, exportPath, FORMATS } from "./queries.ts";
import { filterText, quickFilters } from "./quick.ts";
import { SearchBar } from "./SearchBar.tsx";
import styles from "./SearchPage.module.css";
import { Views } from "./Views.tsx";

const route = getRouteApi("/view/search/$session");

export function SearchPage() {
  const { session } = route.useParams();
  const { where = "", sort = "", row } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: SearchParameters, replace = false) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace });
  const ask = (next: string) => change({ where: next, row: undefined });
  return (
    <div className={styles.page}>
      <SessionLinks session={session} page="search" />
      <SearchBar session={session} where={where} ask={ask} />
      <QuickFilters session={session} where={where} ask={ask} />
      <div className={styles.tools}>
        <SortChoice session={session} sort={sort} choose={(next) => change({ sort: next, row: undefined })} />
        <span className={styles.files}>
          Export{" "}
          {FORMATS.map((format) => (
            <a key={format} href={exportPath(session, where, format)} download>
              {format === "jsonl" ? "JSON lines" : format.toUpperCase()}
            </a>
          ))}
        </span>
        {where && <CopyButton text={filterText(where)}>Copy as training filter</CopyButton>}
        <Views
          session={session}
          where={where}
          sort={sort}
          open={(view) => change({ ...view, row: undefined })}
        />
      </div>
      {where && <code className={styles.filter}>{filterText(where)}</code>}
      <FoundHits
        question={{ session, where, sort }}
        row={row}
        show={(hit) => change({ row: hit.row }, true)}
      />
    </div>
  );
}

interface Choice {
  session: string;
  where: string;
  ask: (where: string) => void;
}

function QuickFilters({ session, where, ask }: Choice) {
  const { data } = useQuery(columnsQuery(session));
  if (!data) return <fieldset className={styles.quick} aria-label="Quick filters" />;
  return (
    <fieldset className={styles.quick} aria-label="Quick filters">
      {quickFilters(data).map((filter) => (
        <button
          key={filter.label}
          type="button"
          title={
            filter.where === null ? `${filter.about} This session does not hold what it takes.` : filter.about
          }
          disabled={filter.where === null}
          aria-pressed={filter.where === where}
          onClick={() => ask(filter.where === where ? "" : (filter.where ?? ""))}
        >
          {filter.label}
        </button>
      ))}
    </fieldset>
  );
}

function SortChoice({
  session,
  sort,
  choose,
}: {
  session: string;
  sort: string;
  choose: (sort: string) => void;
}) {
  const { data } = useQuery(columnsQuery(session));
  const names = (data?.columns ?? []).map(({ name }) => name).filter((name) => name !== "valuation");
  const chosen = sort.replace(/^-|_desc$/g, ""); // the server's other ways to write that the largest come first
  const isListed = chosen === "" || names.includes(chosen.replace(/_asc$/, ""));
  return (
    <label>
      Sort{" "}
      <select value={chosen} onChange={(event) => choose(event.target.value)}>
        <option value="">in the pool's order</option>
        {!isListed && <option value={chosen}>{chosen}</option>}
        {names.map((name) => (
          <optgroup key={name} label={name}>
            <option value={name}>{name}, largest first</option>
            <option value={`${name}_asc`}>{name}, smallest first</option>
          </optgroup>
        ))}
      </select>
    </label>
  );
}
