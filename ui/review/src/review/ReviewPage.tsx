// A session: its runs at the side, one of them open. Parts are named by session and run, so none shows another's data.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useRef } from "react";
import { sessionsQuery } from "../api/queries.ts";
import { useKeys } from "../app/keys.tsx";
import { useMedia } from "../app/media.ts";
import { Empty, Failed, Loading, Nothing } from "../app/states.tsx";
import { RunsSidebar } from "../runs/RunsSidebar.tsx";
import { HitWalk } from "../search/HitWalk.tsx";
import { labelOf } from "../sessions/labels.ts";
import { SessionHead } from "../sessions/SessionHead.tsx";
import styles from "./ReviewPage.module.css";
import { RunView } from "./RunView.tsx";
import type { ReviewSearch } from "./search.ts";
import type { Shown } from "./usePosition.ts";

const route = getRouteApi("/view/review/$session");

export type Change = (part: ReviewSearch, replace?: boolean) => void;

export function ReviewPage() {
  const { session: id } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change: Change = useCallback(
    (part, replace = true) => void navigate({ search: (before) => ({ ...before, ...part }), replace }),
    [navigate],
  );
  const { data, error, refetch } = useQuery(sessionsQuery);
  const shown = useRef<Shown["current"]>(undefined);
  const isWide = useMedia("(min-width: 901px)");
  const isOpen = search.sidebar ? search.sidebar === "open" : isWide;
  const toggle = () => change({ sidebar: isOpen === isWide ? (isOpen ? "closed" : "open") : undefined });
  useKeys([{ key: "s", label: "Show or hide the runs", run: toggle }]);

  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="the session" />;
  const session = data.find((found) => found.id === id);
  if (!session) {
    return (
      <Nothing title="There is no such session">
        <code>{id}</code> is not among <a href="/">those of this server</a>.
      </Nothing>
    );
  }
  if (!session.finished) {
    return (
      <Nothing title={labelOf(session)}>
        This session is still being written. It opens when it is finished.
      </Nothing>
    );
  }
  return (
    <div className={styles.page} data-sidebar={isOpen ? "open" : "closed"}>
      <RunsSidebar key={id} session={id} search={search} change={change} isOpen={isOpen} toggle={toggle} />
      <div className={styles.run}>
        <SessionHead session={session} among={data} search={search} shown={shown} />
        {search.where && (
          <HitWalk
            key={`${search.where} ${search.sort}`}
            session={id}
            where={search.where}
            sort={search.sort ?? ""}
            run={search.run}
            step={search.step}
            shown={shown}
            show={(hit) => change({ run: hit.run_id, step: hit.step_index })}
          />
        )}
        {search.run === undefined ? (
          <Empty>Choose a run.</Empty>
        ) : (
          <RunView
            key={`${id} ${search.run}`}
            session={session}
            run={search.run}
            search={search}
            change={change}
            shown={shown}
          />
        )}
      </div>
    </div>
  );
}
