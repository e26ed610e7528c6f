// A board to try things on: played by oneself, by the teacher or the model, analysed as it changes.
import { useQuery } from "@tanstack/react-query";
import { healthQuery } from "../api/queries.ts";
import { whole } from "../app/format.ts";
import { useKeys } from "../app/keys.tsx";
import { Empty } from "../app/states.tsx";
import { ARROWS, MOVES } from "../board/Board.tsx";
import { MOVES as DIRECTIONS, legalMoves, type Move } from "../game/rules.ts";
import { LARGEST_SEED } from "../game/spawn.ts";
import { ShownBoard } from "../share/ShownBoard.tsx";
import { AnalysisTable } from "./AnalysisTable.tsx";
import { DEFAULT_DEPTH, DEPTHS } from "./address.ts";
import styles from "./BoardPage.module.css";
import { PositionForm } from "./PositionForm.tsx";
import { RolloutPanel } from "./RolloutPanel.tsx";
import { useAnalysis } from "./useAnalysis.ts";
import { addressOf, useGame } from "./useGame.ts";

const SIGNS = ["↑", "↓", "←", "→"];

export function BoardPage() {
  const { game, parameters, change, isDamaged, play, undo, begin } = useGame();
  const { depth = DEFAULT_DEPTH, hints = false } = parameters;
  const live = parameters.live !== "off";
  const { data: health } = useQuery(healthQuery);
  const canAnalyse = health?.analysis ?? false;
  const asked = useAnalysis(game.board, depth, live, canAnalyse && !game.ended);
  const says = asked.analysis;
  const [teacherMove, modelMove] = [says?.teacher.best ?? null, says?.model?.best ?? null];
  const legal = game.ended ? [false, false, false, false] : legalMoves(game.board);
  const moveAs = (move: number | null) => move !== null && play(move as Move);
  const anew = () => begin((game.seed + 1n) & LARGEST_SEED);
  useKeys([
    ...DIRECTIONS.map((move) => ({
      key: ARROWS[move]!,
      label: `Move ${MOVES[move]!.toLowerCase()}`,
      run: () => play(move),
    })),
    { key: ["u", "Backspace"], label: "Take the last move back", run: undo },
    { key: "t", label: "Let the teacher move", run: () => moveAs(teacherMove) },
    { key: "m", label: "Let the model move", run: () => moveAs(modelMove) },
    { key: "i", label: "Show or hide hints", run: () => change({ hints: !hints || undefined }) },
    { key: "a", label: "Analyse this board", run: asked.ask },
    { key: "g", label: "New game", run: anew },
  ]);
  return (
    <div className={styles.page}>
      <h1>Board</h1>
      {isDamaged && <p role="alert">This address is damaged: what could be read of it is shown.</p>}
      <div className={styles.parts}>
        <section aria-label="Game" className={styles.game}>
          <p className={styles.facts}>
            Score <strong>{whole(game.score)}</strong> · move {whole(game.moves.length)} · seed{" "}
            {String(game.seed)}
          </p>
          <ShownBoard exponents={game.board} game={addressOf(game)} />
          <fieldset className={styles.moves} aria-label="Moves">
            {DIRECTIONS.map((move) => (
              <button
                key={move}
                type="button"
                disabled={!legal[move]}
                onClick={() => play(move)}
                data-hint={(hints && says?.teacher.best === move) || undefined}
              >
                {SIGNS[move]} {MOVES[move]}
                {hints && says?.teacher.best === move && " ★"}
              </button>
            ))}
          </fieldset>
          <p role="status">{game.ended && `The game has ended: ${game.ended}.`}</p>
          <div className={styles.tools}>
            <button type="button" onClick={undo} disabled={!game.moves.length}>
              Undo
            </button>
            <button type="button" onClick={() => moveAs(teacherMove)} disabled={teacherMove === null}>
              Teacher moves
            </button>
            <button type="button" onClick={() => moveAs(modelMove)} disabled={modelMove === null}>
              Model moves
            </button>
            <button type="button" aria-pressed={hints} onClick={() => change({ hints: !hints || undefined })}>
              Hints
            </button>
            <button type="button" onClick={anew}>
              New game
            </button>
          </div>
          <PositionForm board={game.board} use={(board) => begin(game.seed, board)} />
        </section>
        <section aria-label="Analysis">
          <div className={styles.tools}>
            <label>
              Depth{" "}
              <select
                value={depth}
                onChange={(event) => change({ depth: Number(event.target.value) as typeof depth })}
              >
                {DEPTHS.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
            <label>
              <input
                type="checkbox"
                checked={live}
                onChange={(event) => change({ live: event.target.checked ? undefined : "off" })}
              />{" "}
              live
            </label>
            {!live && (
              <button type="button" onClick={asked.ask}>
                Analyse
              </button>
            )}
          </div>
          {health && !health.analysis ? (
            <Empty>This server analyses no boards: it was started with analysis=false.</Empty>
          ) : (
            <>
              <AnalysisTable asked={asked} legal={legal} isOver={game.ended !== null} />
              <RolloutPanel
                key={`${game.board}`}
                board={game.board}
                legal={legal}
                ranked={says?.teacher.evs}
              />
            </>
          )}
        </section>
      </div>
    </div>
  );
}
