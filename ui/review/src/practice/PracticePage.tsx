// Practice: a board where a model or a player went wrong; one guesses the move, then sees. The arrows answer, and
// space goes on: no key does both.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { Hit, Step } from "../api/schemas.ts";
import { percent, whole } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { ARROWS, MOVES } from "../board/Board.tsx";
import { highest } from "../game/rules.ts";
import { judgementOf, scaleOf } from "../judging/accuracy.ts";
import { MoveTable } from "../search/MoveTable.tsx";
import { columnsQuery, hitStepQuery, hitsQuery } from "../search/queries.ts";
import { quickFilters } from "../search/quick.ts";
import { SessionLinks } from "../sessions/SessionLinks.tsx";
import { ShownBoard } from "../share/ShownBoard.tsx";
import { lossesOf, modelMove } from "../step/values.ts";
import type { Whose } from "./address.ts";
import styles from "./PracticePage.module.css";
import { type Answer, answerOf, answers, keep, tally, withAnswer } from "./results.ts";

const route = getRouteApi("/view/practice/$session");
const FILTERS: Record<Whose, string> = { model: "Blunders of the model", player: "Blunders of the player" };

export function PracticePage() {
  const { session } = route.useParams();
  const { of = "model" } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <div className={styles.page}>
      <SessionLinks session={session} page="practice" />
      <label>
        Boards of{" "}
        <select
          value={of}
          onChange={(event) => navigate({ search: { of: event.target.value as Whose, row: undefined } })}
        >
          <option value="model">the model's blunders</option>
          <option value="player">the player's blunders</option>
        </select>
      </label>
      <Items key={`${session} ${of}`} session={session} of={of} />
    </div>
  );
}

function Items({ session, of }: { session: string; of: Whose }) {
  const { data, error, refetch } = useQuery(columnsQuery(session));
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="the session" />;
  const where = quickFilters(data).find(({ label }) => label === FILTERS[of])?.where;
  if (!where) {
    return (
      <Empty>
        Nobody has valued the moves of this session, so there are no blunders to practise on.{" "}
        <code>railyard relabel</code> values a pool.
      </Empty>
    );
  }
  return <Round session={session} where={where} />;
}

function Round({ session, where }: { session: string; where: string }) {
  const { row } = route.useSearch();
  const navigate = route.useNavigate();
  const [all, setAll] = useState(answers);
  const { data, error, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery(
    hitsQuery({ session, where, sort: "" }),
  );
  if (error) return <Failed error={error} again={refetch} />;
  if (!data) return <Loading what="the boards" />;
  const hits = data.pages.flatMap((page) => page.hits);
  const total = data.pages[0]?.total ?? 0;
  const place = Math.max(
    0,
    hits.findIndex((hit) => hit.row === row),
  );
  const hit = hits[place];
  if (!hit) return <Empty>There is no such blunder among the moves that a search has valued.</Empty>;
  const go = (by: number) => {
    const next = hits[place + by];
    if (next) void navigate({ search: (before) => ({ ...before, row: next.row }), resetScroll: false });
    if (place + 2 >= hits.length && hasNextPage) void fetchNextPage();
  };
  const answer = (given: Omit<Answer, "session" | "row">) => {
    const next = withAnswer(answers(), { session, row: hit.row, ...given });
    keep(next);
    setAll(next);
  };
  const { answered, good } = tally(all, session);
  return (
    <>
      <p className={styles.tally}>
        Board {whole(place + 1)} of {whole(total)} · answered {whole(answered)}
        {answered > 0 && `, of these best or good ${percent(good / answered, 0)}`}
      </p>
      <Item
        key={hit.row}
        session={session}
        hit={hit}
        given={answerOf(all, session, hit.row)}
        answer={answer}
        goOn={() => go(1)}
        goBack={() => go(-1)}
      />
    </>
  );
}

interface ItemProps {
  session: string;
  hit: Hit;
  given: Answer | undefined;
  answer: (given: Omit<Answer, "session" | "row">) => void;
  goOn: () => void;
  goBack: () => void;
}

function Item({ session, hit, given, answer, goOn, goBack }: ItemProps) {
  const { data: step, error, refetch } = useQuery(hitStepQuery(session, hit));
  const guess = (move: number) => {
    if (!step || given || !step.legal[move]) return;
    answer({ move, judgement: judged(step, move) });
  };
  useKeys([
    ...MOVES.map((name, move) => ({
      key: ARROWS[move]!,
      label: `Answer: ${name.toLowerCase()}`,
      run: () => guess(move),
    })),
    { key: " ", label: "Go on to the next board, once it is answered", run: () => given && goOn() },
    { key: "b", label: "Back to the board before", run: goBack },
  ]);
  if (error) return <Failed error={error} again={refetch} />;
  if (!step) return <Loading what="the board" />;
  return (
    <div className={styles.item}>
      <ShownBoard exponents={step.board} />
      <div>
        <h2>Which move?</h2>
        <fieldset className={styles.moves} aria-label="Answers">
          {MOVES.map((name, move) => (
            <button
              key={name}
              type="button"
              disabled={!step.legal[move] || given !== undefined}
              aria-pressed={given?.move === move}
              onClick={() => guess(move)}
            >
              {name}
            </button>
          ))}
        </fieldset>
        <div role="status">{given && <Verdict step={step} given={given} />}</div>
        {given ? (
          <>
            <MoveTable step={step} />
            <button type="button" className={styles.next} onClick={goOn}>
              Next board <kbd>space</kbd>
            </button>
          </>
        ) : (
          <p className={styles.hint}>
            Answer with <kbd>←</kbd> <kbd>↑</kbd> <kbd>↓</kbd> <kbd>→</kbd>.
          </p>
        )}
      </div>
    </div>
  );
}

const judged = (step: Step, move: number) =>
  judgementOf(lossesOf(step)[move] ?? null, scaleOf(step.teacher.valuation, highest(step.board)));

function Verdict({ step, given }: { step: Step; given: Answer }) {
  const best = step.teacher.best;
  const name = (move: number | null) => (move === null ? "unknown" : MOVES[move]!);
  return (
    <p>
      <strong>
        {name(given.move)}: {given.judgement ?? "not valued"}.
      </strong>{" "}
      {given.move !== best && `The teacher's best is ${name(best)}. `}
      The model chose {name(modelMove(step))}, played was {name(step.played)}.
    </p>
  );
}
