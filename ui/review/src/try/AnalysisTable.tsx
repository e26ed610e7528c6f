// What the teacher and the model say of the four moves of a board.
import { sentenceOf } from "../api/client.ts";
import type { Analysis } from "../api/schemas.ts";
import { fixed, percent, whole } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import tables from "../share/tables.module.css";
import styles from "./AnalysisTable.module.css";
import type { Asked } from "./useAnalysis.ts";

interface Props {
  asked: Asked;
  legal: readonly boolean[];
  isOver: boolean;
}

export function AnalysisTable({ asked, legal, isOver }: Props) {
  const says = asked.analysis;
  return (
    <>
      <table className={`${tables.moves} ${styles.table}`} aria-busy={asked.isAsking}>
        <caption>
          <span role="status">{stateOf(asked, isOver)}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Move</th>
            <th scope="col">EV</th>
            <th scope="col">Loss</th>
            <th scope="col">Accuracy</th>
            <th scope="col">Model</th>
          </tr>
        </thead>
        <tbody>
          {MOVES.map((name, move) => (
            <tr key={name} className={legal[move] ? undefined : tables.illegal}>
              <th scope="row">
                {name}
                {says?.teacher.best === move && <span className={tables.teacher}> ★ best</span>}
              </th>
              <td>{legal[move] ? fixed(says?.teacher.evs[move], 3) : "illegal"}</td>
              <td>{fixed(says?.teacher.losses[move], 1)}</td>
              <td>
                {fixed(says?.teacher.accuracies[move], 1)} <small>{says?.teacher.judgements[move]}</small>
              </td>
              <td>
                {percent(says?.model?.policy[move])}
                {says?.model?.best === move && <span className={tables.model}> ◆</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {asked.error ? <p role="alert">{sentenceOf(asked.error)}</p> : null}
      {says && <Facts says={says} />}
    </>
  );
}

function stateOf({ analysis, isAsking, delay, error }: Asked, isOver: boolean): string {
  if (isOver) return "The game has ended: nothing is left to choose.";
  if (delay) return `Waiting: ${sentenceOf(delay)}`;
  if (isAsking) return "Analysing …";
  if (error) return "The analysis failed.";
  if (!analysis) return "Not analysed yet.";
  const { source, depth } = analysis.teacher;
  return source === "search" ? `Teacher: search at depth ${depth}` : `Teacher: endgame table ${source}`;
}

function Facts({ says }: { says: Analysis }) {
  const { model } = says;
  const values = Object.entries(model?.values ?? {});
  return (
    <dl className={styles.facts}>
      <div>
        <dt>Board value</dt>
        <dd>{whole(says.board_value)}</dd>
      </div>
      {model ? (
        <>
          <div>
            <dt>Model's loss</dt>
            <dd>{fixed(model.loss, 1)}</dd>
          </div>
          <div>
            <dt>Model's entropy</dt>
            <dd>{fixed(model.entropy, 3)} nats</dd>
          </div>
          {values.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {[value]
                  .flat()
                  .map((each) => fixed(each, 3))
                  .join(" ")}
              </dd>
            </div>
          ))}
        </>
      ) : (
        <div>
          <dt>Model</dt>
          <dd>{says.model_reason ?? "did not answer"}</dd>
        </div>
      )}
    </dl>
  );
}
