// Four moves side by side, a line for each thing that is said of them: first the teacher, then the model.
import { Fragment, type ReactNode } from "react";
import type { Step } from "../api/schemas.ts";
import { fixed, signed, whole } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import { AllBins } from "./AllBins.tsx";
import { binNames, divergence, entropy, argmax as likeliest } from "./bins.ts";
import { Distribution } from "./Distribution.tsx";
import styles from "./MoveInsights.module.css";
import { isKnown, minMax, SYMBOLS, type TeacherValues, type Verdict } from "./values.ts";

interface Props {
  step: Step;
  teacher: TeacherValues;
  verdict: Verdict;
  vocabulary: readonly string[] | null;
  showsBins: boolean;
  toggleBins: (shown: boolean) => void;
}

export function MoveInsights(props: Props) {
  const { step, verdict } = props;
  return (
    <>
      <table className={styles.insights}>
        <caption className="visually-hidden">What teacher and model say of the four moves</caption>
        <thead>
          <tr>
            <td />
            {MOVES.map((name, move) => (
              <th key={name} scope="col" data-legal={step.legal[move]}>
                {name}
                <Badges move={move} step={step} verdict={verdict} />
              </th>
            ))}
          </tr>
        </thead>
        <TeacherRows {...props} />
        <ModelRows {...props} />
      </table>
      <AllBins step={step} vocabulary={props.vocabulary} isOpen={props.showsBins} toggle={props.toggleBins} />
    </>
  );
}

function Badges({ move, step, verdict }: { move: number; step: Step; verdict: Verdict }) {
  const isReference = move === verdict.reference;
  const isArgmax = move === verdict.argmax;
  return (
    <span className={styles.badges}>
      {!step.legal[move] && <span className={styles.illegal}>illegal</span>}
      {isReference && (
        <span className={styles.teacher}>{step.teacher.action === null ? "played" : "teacher"}</span>
      )}
      {move === step.teacher.best && !isReference && <span className={styles.teacher}>best EV</span>}
      {step.played === move && !isReference && <span>played</span>}
      {move === verdict.model && (
        <span className={styles.model}>
          model{verdict.severity && <b title={verdict.severity}> {SYMBOLS[verdict.severity]}</b>}
        </span>
      )}
      {isArgmax && !step.legal[move] && <span className={styles.illegal}>⊘ argmax</span>}
    </span>
  );
}

function Row({ name, children }: { name: ReactNode; children: (move: number) => ReactNode }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      {MOVES.map((move, place) => (
        <td key={move}>{children(place)}</td>
      ))}
    </tr>
  );
}

function Missing({ name, children }: { name: string; children: ReactNode }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td colSpan={4} className={styles.missing}>
        {children}
      </td>
    </tr>
  );
}

function Share({ share, className }: { share: number | null | undefined; className: string | undefined }) {
  return (
    <svg
      className={`${styles.share} ${className}`}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className={styles.track} width="100" height="6" />
      {isKnown(share) && <rect width={Math.max(2, 100 * share)} height="6" />}
    </svg>
  );
}

function TeacherRows({ step, teacher, vocabulary }: Props) {
  const { evs, valuation } = step.teacher;
  if (!evs.some(isKnown)) {
    return (
      <tbody>
        <Missing name="Teacher">
          values not available: {valuation === "unknown" ? "self-play has none" : valuation}
        </Missing>
      </tbody>
    );
  }
  return (
    <tbody>
      <Row name={`EV (${valuation})`}>{(move) => fixed(evs[move], teacher.mode === "relative" ? 3 : 5)}</Row>
      {teacher.mode === "relative" && <Row name="Relative">{(move) => signed(teacher.values[move])}</Row>}
      <Row name="Advantage">
        {(move) =>
          teacher.mode === "relative" ? whole(teacher.advantages[move]) : fixed(teacher.advantages[move], 4)
        }
      </Row>
      <Row name="Normalised">
        {(move) => (
          <>
            <Share share={teacher.normalised[move]} className={styles.teacherBar} />
            {fixed(teacher.normalised[move], 2)}
          </>
        )}
      </Row>
      {step.tokens && (
        <Row name="Teacher's class">
          {(move) => <span className={styles.chip}>{nameOfClass(step.tokens![move]!, vocabulary)}</span>}
        </Row>
      )}
    </tbody>
  );
}

const nameOfClass = (token: number, vocabulary: readonly string[] | null): string =>
  vocabulary?.[token] ?? `class ${token}`;

function ModelRows({ step, verdict, vocabulary }: Props) {
  const { policy } = step;
  if (policy === null) {
    return (
      <tbody className={styles.dimmed}>
        <Missing name="Model">this step has no annotation</Missing>
      </tbody>
    );
  }
  const shares = minMax(policy);
  const top = verdict.argmax === null ? null : policy[verdict.argmax];
  const delta = (move: number) => (isKnown(policy[move]) && isKnown(top) ? policy[move] - top : null);
  return (
    <tbody>
      <Row name="Probability">
        {(move) => (
          <>
            <Share share={shares[move]} className={styles.modelBar} />
            {fixed(policy[move], 4)}
          </>
        )}
      </Row>
      <Row name="ln p">{(move) => fixed(isKnown(policy[move]) ? Math.log(policy[move]) : null, 3)}</Row>
      <Row name="Δ to argmax">{(move) => fixed(delta(move), 4)}</Row>
      <BinRows step={step} vocabulary={vocabulary} />
    </tbody>
  );
}

function BinRows({ step, vocabulary }: { step: Step; vocabulary: readonly string[] | null }) {
  const heads = step.student_bins?.heads;
  if (!heads) return <Missing name="Bins">student bins unavailable</Missing>;
  const names = binNames(step.student_bins!.num_bins, vocabulary);
  const tokens = step.tokens;
  const top = heads.map((head) => likeliest(head));
  return (
    <Fragment>
      <Row name="Distribution">
        {(move) => (
          <Distribution
            masses={heads[move]!}
            names={names}
            token={tokens?.[move] ?? null}
            move={MOVES[move]!}
          />
        )}
      </Row>
      <Row name="Likeliest class">
        {(move) => (
          <>
            <span className={styles.chip}>{names[top[move]!]}</span>
            {tokens && <span title="classes above the teacher's"> {signed(top[move]! - tokens[move]!)}</span>}
          </>
        )}
      </Row>
      <Row name="Entropy">{(move) => fixed(entropy(heads[move]!), 3)}</Row>
      {tokens && (
        <Row name="KL to teacher">{(move) => fixed(divergence(heads[move]!, tokens[move]!), 3)}</Row>
      )}
    </Fragment>
  );
}
