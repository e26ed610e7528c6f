// The runs of a session: filtered, sorted and paged by the server, drawn as far as they are seen.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId } from "react";
import { runsQuery } from "../api/queries.ts";
import type { Run } from "../api/schemas.ts";
import { whole } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { Empty, Failed, Loading } from "../app/states.tsx";
import type { Change } from "../review/ReviewPage.tsx";
import { DEFAULTS, PAGE_SIZES, type ReviewSearch } from "../review/search.ts";
import { RunList } from "./RunList.tsx";
import styles from "./RunsSidebar.module.css";

const SORTS: Record<string, string> = {
  max_score: "score",
  highest_tile: "highest tile",
  steps: "steps",
  disagreement_rate: "action disagreement",
  ev_disagreement_rate: "EV disagreement",
  accuracy: "accuracy",
  model_accuracy: "model accuracy",
  run_id: "run",
};

interface Props {
  session: string;
  search: ReviewSearch;
  change: Change;
  isOpen: boolean;
  toggle: () => void;
}

export function RunsSidebar({ session, search, change, isOpen, toggle }: Props) {
  const body = useId();
  return (
    <aside className={styles.sidebar} aria-label="Runs">
      <div className={styles.inner}>
        <button
          type="button"
          className={styles.toggle}
          aria-expanded={isOpen}
          aria-controls={body}
          onClick={toggle}
        >
          {isOpen ? "Hide runs" : "Runs"}
        </button>
        <div id={body} className={styles.body} hidden={!isOpen}>
          <Runs session={session} search={search} change={change} isOpen={isOpen} />
        </div>
      </div>
    </aside>
  );
}

function Runs({ session, search, change, isOpen }: Omit<Props, "toggle">) {
  const page = search.runs_page ?? DEFAULTS.runs_page;
  const pageSize = search.runs_page_size ?? DEFAULTS.runs_page_size;
  const where = search.runs_where ?? DEFAULTS.runs_where;
  const sort = search.runs_sort ?? DEFAULTS.runs_sort;
  const { data, error, refetch } = useQuery(runsQuery(session, { page, pageSize, where, sort }));
  const first = data?.runs[0];
  useEffect(() => {
    if (search.run === undefined && first) change({ run: first.run_id });
  }, [search.run, first, change]);
  useRunKeys(data?.runs ?? [], search.run, change);
  return (
    <>
      <Question where={where} sort={sort} change={change} />
      {error ? (
        <Failed error={error} again={refetch} />
      ) : !data ? (
        <Loading what="runs" />
      ) : data.runs.length === 0 ? (
        <Empty>No run meets the conditions.</Empty>
      ) : (
        isOpen && <RunList key={`${page} ${sort} ${where}`} runs={data.runs} current={search.run} />
      )}
      <Pager page={page} pageSize={pageSize} total={data?.total ?? 0} change={change} />
    </>
  );
}

function useRunKeys(runs: readonly Run[], current: number | undefined, change: Change) {
  const go = (by: number) => {
    const next = runs[runs.findIndex((run) => run.run_id === current) + by];
    if (next) change({ run: next.run_id, step: undefined }, false);
  };
  useKeys([
    { key: "j", label: "Next run of the list", run: () => go(1) },
    { key: "k", label: "Run before it", run: () => go(-1) },
  ]);
}

function Question({ where, sort, change }: { where: string; sort: string; change: Change }) {
  const isDescending = sort.startsWith("-");
  const name = isDescending ? sort.slice(1) : sort;
  const apply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("where")).trim();
    change({ runs_where: text || undefined, runs_page: undefined }, false);
  };
  return (
    <form className={styles.question} onSubmit={apply}>
      <input
        key={where}
        name="where"
        type="search"
        aria-label="Conditions that runs meet"
        placeholder="steps>500, accuracy<80"
        defaultValue={where}
      />
      <select
        aria-label="Sort by"
        value={name}
        onChange={(event) => change({ runs_sort: `-${event.target.value}`, runs_page: undefined }, false)}
      >
        {Object.entries(SORTS).map(([key, label]) => (
          <option key={key} value={key}>
            by {label}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-label={
          isDescending ? "Largest first; change to smallest first" : "Smallest first; change to largest first"
        }
        onClick={() => change({ runs_sort: isDescending ? name : `-${name}`, runs_page: undefined }, false)}
      >
        {isDescending ? "↓" : "↑"}
      </button>
    </form>
  );
}

function Pager(props: { page: number; pageSize: number; total: number; change: Change }) {
  const { page, pageSize, total, change } = props;
  const pages = Math.max(1, Math.ceil(total / pageSize));
  const show = (next: number) => change({ runs_page: next === 1 ? undefined : next }, false);
  const size = (text: string) =>
    change(
      { runs_page_size: PAGE_SIZES.find((known) => String(known) === text), runs_page: undefined },
      false,
    );
  return (
    <div className={styles.pager}>
      <button type="button" disabled={page <= 1} onClick={() => show(page - 1)} aria-label="Page before">
        ‹
      </button>
      <span>
        {whole(page)} of {whole(pages)}
      </span>
      <button type="button" disabled={page >= pages} onClick={() => show(page + 1)} aria-label="Next page">
        ›
      </button>
      <select aria-label="Runs on a page" value={pageSize} onChange={(event) => size(event.target.value)}>
        {PAGE_SIZES.map((known) => (
          <option key={known}>{known}</option>
        ))}
      </select>
      <span className={styles.total}>{whole(total)} runs</span>
    </div>
  );
}
