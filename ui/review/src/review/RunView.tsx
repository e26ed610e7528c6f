// One run: what is known of all its steps is fetched once, then any step is shown from the window around it.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Series, seriesQuery } from "../api/queries.ts";
import type { Session } from "../api/schemas.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { StepView } from "../step/StepView.tsx";
import { isMistake, judgeAll, next } from "../timeline/judging.ts";
import { Timeline } from "../timeline/Timeline.tsx";
import { JudgementCounts } from "./JudgementCounts.tsx";
import type { Change } from "./ReviewPage.tsx";
import { RunFacts } from "./RunFacts.tsx";
import { StepAccuracy } from "./StepAccuracy.tsx";
import { StepControls } from "./StepControls.tsx";
import type { ReviewSearch } from "./search.ts";
import { type Shown, usePosition } from "./usePosition.ts";
import { OF_SERIES, useWindow } from "./useWindow.ts";

// columns that the page draws, as far as the session has them
const DRAWN = ["ev_loss", "played_loss", "model_top_prob", "entropy", "disagreement", "ev_disagreement"];
const MOST_SERIES = 16;

interface Props {
  session: Session;
  run: number;
  search: ReviewSearch;
  change: Change;
  shown: Shown;
}

export function RunView(props: Props) {
  const { session, run } = props;
  const metrics = useMemo(() => {
    const values = session.columns.filter((name) => name.startsWith("value_"));
    const drawn = DRAWN.filter((name) => session.columns.includes(name));
    return [...OF_SERIES, ...drawn, ...values].slice(0, MOST_SERIES);
  }, [session.columns]);
  const { data, error, failureReason, refetch } = useQuery(seriesQuery(session.id, run, metrics));
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return failureReason ? <Failed error={failureReason} /> : <Loading what={`run ${run}`} />;
  if (data.step_index!.length === 0) return <Empty>Run {run} has no steps.</Empty>;
  return <LoadedRun {...props} series={data} metrics={metrics} />;
}

function LoadedRun({
  session,
  run,
  search,
  change,
  shown,
  series,
  metrics,
}: Props & { series: Series; metrics: string[] }) {
  const steps = series.step_index!;
  const { position, go } = usePosition(steps, search.step, change, shown);
  const judged = useMemo(() => judgementsOf(series), [series]);
  const side = search.side ?? "model";
  const upcoming = next(steps.length, position, 1, (step) => isMistake(judged[side][step]!));
  const window = useWindow(
    session.id,
    run,
    position,
    upcoming,
    steps.length,
    metrics,
    search.tokens ?? false,
  );
  return (
    <>
      <RunFacts run={window.run} />
      <Timeline
        series={series}
        judged={judged[side]}
        position={position}
        go={go}
        search={search}
        change={change}
      />
      <StepControls series={series} judged={judged[side]} position={position} go={go} />
      <JudgementCounts
        run={window.run}
        judged={judged}
        side={side}
        position={position}
        go={go}
        choose={(next) => change({ side: next === "model" ? undefined : next })}
      />
      <StepView session={session} run={run} window={window} search={search} change={change}>
        <StepAccuracy series={series} judged={judged} position={position} />
      </StepView>
    </>
  );
}

export interface Judged {
  played: Uint8Array;
  model: Uint8Array;
}

function judgementsOf(series: Series): Judged {
  const unknown = new Float32Array(series.step_index!.length).fill(Number.NaN);
  return {
    played: judgeAll(series.played_loss ?? unknown, series.accuracy!),
    model: judgeAll(series.ev_loss ?? unknown, series.model_accuracy!),
  };
}
