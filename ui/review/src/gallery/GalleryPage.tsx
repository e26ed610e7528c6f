// Components with made-up data, for whoever changes them. `npm run dev` shows it at /view/gallery; no build holds it.
import type { ReactNode } from "react";
import type { Step } from "../api/schemas.ts";
import { Empty, Failed, Loading } from "../app/states.tsx";
import { MoveTable } from "../search/MoveTable.tsx";
import { ShownBoard } from "../share/ShownBoard.tsx";
import { AnalysisTable } from "../try/AnalysisTable.tsx";
import type { Asked } from "../try/useAnalysis.ts";
import styles from "./GalleryPage.module.css";

const ALL_TILES = Array.from({ length: 16 }, (_, place) => place + 1);
const STEP: Step = {
  row: 1,
  step_index: 1,
  board: [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0],
  legal: [false, true, true, true],
  policy: [0.01, 0.2, 0.6, 0.5],
  played: 3,
  teacher: { action: 3, best: 3, evs: [null, -5.262, 2.511, 2.536], valuation: "search" },
  metrics: {},
  values: {},
};
const OF_SELF_PLAY: Step = {
  ...STEP,
  teacher: { action: null, best: null, evs: [null, null, null, null], valuation: "unknown" },
};
const WITHOUT_MODEL: Step = { ...STEP, policy: null };
const ASKED: Asked = {
  analysis: undefined,
  isAsking: false,
  delay: null,
  error: null,
  ask: () => undefined,
};
const LEGAL = STEP.legal;

export function GalleryPage() {
  return (
    <div className={styles.page}>
      <h1>Gallery</h1>
      <Shown name="All tiles">
        <ShownBoard exponents={ALL_TILES} />
      </Shown>
      <Shown name="Empty board">
        <ShownBoard exponents={new Array<number>(16).fill(0)} />
      </Shown>
      <Shown name="Moves, teacher and model">
        <MoveTable step={STEP} />
      </Shown>
      <Shown name="Moves, self-play">
        <MoveTable step={OF_SELF_PLAY} />
      </Shown>
      <Shown name="Moves, no annotation">
        <MoveTable step={WITHOUT_MODEL} />
      </Shown>
      <Shown name="Moves against another model">
        <MoveTable step={{ ...STEP, policy: [0.1, 0.1, 0.1, 0.7] }} against={STEP} />
      </Shown>
      <Shown name="Analysis, under way">
        <AnalysisTable asked={{ ...ASKED, isAsking: true }} legal={LEGAL} isOver={false} />
      </Shown>
      <Shown name="Analysis, busy server">
        <AnalysisTable
          asked={{ ...ASKED, isAsking: true, delay: new Error("7 analyses wait already: ask again later") }}
          legal={LEGAL}
          isOver={false}
        />
      </Shown>
      <Shown name="Loading, empty, failed">
        <Loading what="steps" />
        <Empty>No step meets these conditions.</Empty>
        <Failed error={new Error("run 9 not found")} again={() => undefined} />
      </Shown>
    </div>
  );
}

function Shown({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      {children}
    </section>
  );
}
