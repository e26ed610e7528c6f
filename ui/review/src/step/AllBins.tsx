// The four distributions with the names of their classes, as a table that is filled when it is opened.
import type { Step } from "../api/schemas.ts";
import { fixed } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import styles from "./AllBins.module.css";
import { binNames } from "./bins.ts";

interface Props {
  step: Step;
  vocabulary: readonly string[] | null;
  isOpen: boolean;
  toggle: (isOpen: boolean) => void;
}

export function AllBins({ step, vocabulary, isOpen, toggle }: Props) {
  const bins = step.student_bins;
  if (!bins?.heads) return null;
  return (
    <details className={styles.all} open={isOpen} onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>All {bins.num_bins} classes of the four moves</summary>
      {isOpen && (
        <table>
          <thead>
            <tr>
              <th scope="col">class</th>
              {MOVES.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {binNames(bins.num_bins, vocabulary).map((name, place) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {bins.heads!.map((head, move) => (
                  <td key={MOVES[move]} data-teacher={step.tokens?.[move] === place}>
                    {fixed(head[place], 4)}
                    {step.tokens?.[move] === place && " ◂"}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}
