// Two moves of a board played on to the end over the same tiles, and what that says of them.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { sentenceOf } from "../api/client.ts";
import type { Rollouts } from "../api/schemas.ts";
import { percent, signed, whole } from "../app/format.ts";
import { MOVES } from "../board/Board.tsx";
import type { Board } from "../game/rules.ts";
import tables from "../share/tables.module.css";
import { playOut } from "./queries.ts";
import styles from "./RolloutPanel.module.css";

const GAMES = [20, 50, 100, 200, 500] as const;
const PLAYERS = [
  { player: "teacher", depth: 1, label: "the teacher at depth 1" },
  { player: "teacher", depth: 2, label: "the teacher at depth 2" },
  { player: "random", depth: 1, label: "random moves" },
] as const;

interface Props {
  board: Board;
  legal: readonly boolean[];
  /** The teacher's values: its two best moves are what is offered first. */
  ranked: readonly (number | null)[] | undefined;
}

/** The two moves that are compared unless one chooses: the best by the teacher, else the first two. */
function firstTwo(legal: readonly boolean[], ranked: Props["ranked"]): number[] {
  const moves = [0, 1, 2, 3].filter((move) => legal[move]);
  const value = (move: number) => ranked?.[move] ?? Number.NEGATIVE_INFINITY;
  return (ranked ? moves.toSorted((one, other) => value(other) - value(one)) : moves).slice(0, 2);
}

export function RolloutPanel({ board, legal, ranked }: Props) {
  const [chosen, setChosen] = useState<number[] | null>(null);
  const [games, setGames] = useState<number>(50);
  const [player, setPlayer] = useState(0);
  const asked = useMutation(playOut);
  const pair = chosen ?? firstTwo(legal, ranked);
  if (pair.length < 2) return null;
  const choose = (place: number, move: number) => {
    const other = pair[1 - place]!;
    setChosen(
      place === 0 ? [move, other === move ? pair[0]! : other] : [other === move ? pair[1]! : other, move],
    );
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const who = PLAYERS[player]!;
    asked.mutate({ board, moves: pair, games, player: who.player, depth: who.depth });
  };
  return (
    <section aria-labelledby="rollouts">
      <h2 id="rollouts">Played out</h2>
      <form onSubmit={submit} className={styles.form}>
        {[0, 1].map((place) => (
          <label key={place}>
            {place === 0 ? "Compare" : "with"}{" "}
            <select value={pair[place]} onChange={(event) => choose(place, Number(event.target.value))}>
              {MOVES.map((name, move) => (
                <option key={name} value={move} disabled={!legal[move]}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        ))}
        <label>
          over{" "}
          <select value={games} onChange={(event) => setGames(Number(event.target.value))}>
            {GAMES.map((count) => (
              <option key={count}>{count}</option>
            ))}
          </select>{" "}
          games each
        </label>
        <label>
          by{" "}
          <select value={player} onChange={(event) => setPlayer(Number(event.target.value))}>
            {PLAYERS.map(({ label }, place) => (
              <option key={label} value={place}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" disabled={asked.isPending}>
          Play out
        </button>
      </form>
      <p role="status" className={styles.state}>
        {asked.isPending &&
          (asked.failureReason ? `Waiting: ${sentenceOf(asked.failureReason)}` : "Games are being played …")}
      </p>
      {asked.error ? <p role="alert">{sentenceOf(asked.error)}</p> : null}
      {asked.data && <Outcome found={asked.data} />}
    </section>
  );
}

function Outcome({ found }: { found: Rollouts }) {
  const [difference] = found.differences;
  return (
    <>
      <table className={`${tables.figures} ${styles.table}`}>
        <caption>Scores from this board on; in brackets the 95 % interval of the mean</caption>
        <thead>
          <tr>
            <th scope="col">Move</th>
            <th scope="col">Mean score</th>
            <th scope="col">Moves</th>
            {found.moves[0]?.reached.map(({ tile }) => (
              <th key={tile} scope="col">
                {whole(tile)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.moves.map((move) => (
            <tr key={move.move}>
              <th scope="row">{MOVES[move.move]}</th>
              <td>
                {whole(Math.round(move.mean_score))}{" "}
                <small>
                  [{whole(Math.round(move.low))}, {whole(Math.round(move.high))}]
                </small>
              </td>
              <td>{whole(Math.round(move.mean_moves))}</td>
              {move.reached.map(({ tile, share }) => (
                <td key={tile}>{percent(share, 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {difference && (
        <p>
          {MOVES[difference.move]} less {MOVES[difference.other]}:{" "}
          <strong>{signed(Math.round(difference.mean))}</strong> [{signed(Math.round(difference.low))},{" "}
          {signed(Math.round(difference.high))}],{" "}
          {difference.low > 0 || difference.high < 0
            ? "so the two differ."
            : "so these games do not tell which is better."}
        </p>
      )}
    </>
  );
}
