// Four moves of a step in a table: EVs and losses of the teacher, probabilities of the model, who chose what.
import type { Step } from "../api/schemas.ts";
import { fixed, percent } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import { highest } from "../game/rules.ts";
import { judgementOf, scaleOf } from "../judging/accuracy.ts";
import { divergence, meanDivergence, normalised } from "../judging/divergence.ts";
import tables from "../share/tables.module.css";
import { lossesOf, modelMove } from "../step/values.ts";
import styles from "./MoveTable.module.css";

interface Props {
  step: Step;
  /** The same step by another model: what is told here is how far this one is from it. */
  against?: Step;
}

export function MoveTable({ step, against }: Props) {
  const losses = lossesOf(step);
  const scale = scaleOf(step.teacher.valuation, highest(step.board));
  const policy = normalised(step.policy);
  const chosen = modelMove(step);
  return (
    <table className={`${tables.moves} ${styles.table}`}>
      <caption>{against ? `The second model${apart(against, step)}` : "Moves"}</caption>
      <thead>
        <tr>
          <th scope="col">Move</th>
          <th scope="col">EV</th>
          <th scope="col">Loss</th>
          <th scope="col">Model</th>
          <th scope="col">
            <span className="visually-hidden">Chosen by</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {MOVES.map((name, move) => (
          <tr key={name} className={step.legal[move] ? undefined : tables.illegal}>
            <th scope="row">{name}</th>
            <td>{step.legal[move] ? fixed(step.teacher.evs[move], 3) : "illegal"}</td>
            <td>
              {fixed(losses[move], 1)} <small>{judgementOf(losses[move] ?? null, scale)}</small>
            </td>
            <td>{percent(policy?.[move])}</td>
            <td>
              {step.teacher.action === move && <span className={tables.teacher}>teacher</span>}
              {step.teacher.action === null && step.played === move && <span>played</span>}
              {chosen === move && <span className={tables.model}>model</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** KL of the first model's distributions to the second's: of the bins where both have the same, else of the policies. */
function apart(first: Step, second: Step): string {
  const [one, other] = [headsOf(first), headsOf(second)];
  if (one && other && one[0]?.length === other[0]?.length) {
    return `: KL of the bins ${fixed(meanDivergence(one, other), 3)} nats`;
  }
  const [policy, otherPolicy] = [normalised(first.policy), normalised(second.policy)];
  if (!policy || !otherPolicy) return "";
  return `: KL of the policies ${fixed(divergence(policy, otherPolicy), 3)} nats`;
}

function headsOf({ student_bins }: Step): number[][] | null {
  const heads = student_bins?.heads;
  const isKnown = heads?.every((head) => head.every((mass) => mass !== null));
  return isKnown ? (heads as number[][]) : null;
}
