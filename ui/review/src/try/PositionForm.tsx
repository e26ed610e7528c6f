// Another position: pasted as text, or typed tile by tile.
import { type FormEvent, useState } from "react";
import { tileOf } from "../board/Board.tsx";
import { numbersText, parsePosition, type Reading } from "../game/position.ts";
import type { Board } from "../game/rules.ts";
import styles from "./PositionForm.module.css";

interface Props {
  board: Board;
  use: (board: Board) => void;
}

export function PositionForm({ board, use }: Props) {
  return (
    <details className={styles.position}>
      <summary>Another position</summary>
      <Paste use={use} />
      <Tiles key={`${board}`} board={board} use={use} />
    </details>
  );
}

function Paste({ use }: { use: (board: Board) => void }) {
  const [text, setText] = useState("");
  const [preferred, setPreferred] = useState<Reading>("exponents");
  const found = parsePosition(text, preferred);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ("board" in found) use(found.board);
  };
  return (
    <form onSubmit={submit}>
      <label>
        16 numbers (tiles or exponents), a word like 0x1121230033004222, or a link
        <textarea
          rows={2}
          value={text}
          spellCheck={false}
          placeholder={numbersText([6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0])}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {"board" in found && found.isAmbiguous && (
        <label>
          Read as{" "}
          <select value={preferred} onChange={(event) => setPreferred(event.target.value as Reading)}>
            <option value="exponents">exponents (1 is a tile of 2)</option>
            <option value="tiles">tiles</option>
          </select>
        </label>
      )}
      <button type="submit" disabled={!("board" in found)}>
        Use it
      </button>
      {text.trim() && "fault" in found && <p role="alert">{found.fault}</p>}
    </form>
  );
}

function Tiles({ board, use }: Props) {
  const [cells, setCells] = useState(() => board.map((rank) => tileOf(rank)));
  const found = parsePosition(cells.map((cell) => cell.trim() || "0").join(" "), "tiles");
  const isRight = "board" in found && (found.reading === "tiles" || found.board.every((rank) => rank === 0));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ("board" in found && isRight) use(found.board);
  };
  return (
    <form onSubmit={submit}>
      <fieldset>
        <legend>Tile by tile</legend>
        <div className={styles.cells}>
          {cells.map((cell, place) => (
            <input
              // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
              key={place}
              type="text"
              inputMode="numeric"
              aria-label={`Row ${Math.floor(place / 4) + 1}, column ${(place % 4) + 1}`}
              value={cell}
              onChange={(event) => setCells(cells.with(place, event.target.value))}
            />
          ))}
        </div>
      </fieldset>
      <button type="submit" disabled={!isRight}>
        Use these tiles
      </button>
      {!isRight && <p role="alert">{"fault" in found ? found.fault : "tiles are 2, 4, 8 … 65536"}</p>}
    </form>
  );
}
