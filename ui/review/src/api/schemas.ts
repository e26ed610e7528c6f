// Every answer of the server, as far as the viewer reads it. What a pool or a session lacks is null or left out.
import * as z from "zod/mini";

const nullable = z.nullable(z.number());
const text = z.nullable(z.string());

export const Provenance = z.record(z.string(), z.unknown());

export const Session = z.object({
  id: z.string(),
  pool: z.string(),
  pool_type: text,
  model_id: text,
  model_hash: text,
  tag: text,
  created_at: text,
  rows: nullable,
  runs: nullable,
  products: z.array(z.string()),
  num_bins: nullable,
  columns: z.array(z.string()),
  vocab_order: z.nullable(z.array(z.string())),
  finished: z.boolean(),
  provenance: z.nullable(Provenance),
  preparing: z.record(z.string(), z.number()),
  fault: z.optional(text),
});
export type Session = z.infer<typeof Session>;
export const Sessions = z.object({ sessions: z.array(Session) });

/** schema.json; empty for annotations made elsewhere. */
export const SessionSchema = z.object({
  value_heads: z.optional(z.array(z.object({ name: z.string(), dim: z.number() }))),
});
export type SessionSchema = z.infer<typeof SessionSchema>;

export const JUDGEMENTS = ["best", "good", "inaccuracy", "mistake", "blunder"] as const;
export type Judgement = (typeof JUDGEMENTS)[number];
const Counts = z.object({
  best: z.number(),
  good: z.number(),
  inaccuracy: z.number(),
  mistake: z.number(),
  blunder: z.number(),
});

export const Run = z.object({
  run_id: z.number(),
  seed_text: z.string(),
  steps: z.number(),
  max_score: z.number(),
  highest_tile: z.number(),
  ended: text,
  disagreement_rate: nullable,
  argmax_disagreement_rate: nullable,
  ev_disagreement_rate: nullable,
  mean_logit_gap: nullable,
  mean_entropy: nullable,
  mean_ev_loss: nullable,
  accuracy: nullable,
  model_accuracy: nullable,
  judgements: z.nullable(Counts),
  model_judgements: z.nullable(Counts),
});
export type Run = z.infer<typeof Run>;
export const Runs = z.object({
  total: z.number(),
  page: z.number(),
  page_size: z.number(),
  runs: z.array(Run),
});

type Masses = (number | null)[];
const isMass = (found: unknown): boolean => found === null || typeof found === "number";
/** Bins of the four moves: 36,000 numbers of a window, looked at in place, which a schema for each would take 10 ms for. */
const Heads = z.custom<Masses[]>(
  (found) => Array.isArray(found) && found.every((head) => Array.isArray(head) && head.every(isMass)),
  "not the bins of moves",
);

const Move = nullable;
export const Step = z.object({
  row: z.number(),
  step_index: z.number(),
  board: z.array(z.number()),
  legal: z.array(z.boolean()),
  policy: z.nullable(z.array(nullable)),
  played: Move,
  teacher: z.object({ action: Move, best: Move, evs: z.array(nullable), valuation: z.string() }),
  metrics: z.record(z.string(), nullable),
  values: z.record(z.string(), z.array(nullable)),
  student_bins: z.optional(z.object({ num_bins: z.number(), heads: z.optional(Heads) })),
  tokens: z.optional(z.array(z.number())),
});
export type Step = z.infer<typeof Step>;
export const Steps = z.object({
  run: Run,
  pagination: z.object({ offset: z.number(), limit: z.number(), total: z.number() }),
  steps: z.array(Step),
});
export type Steps = z.infer<typeof Steps>;

export const Hit = z.object({ row: z.number(), run_id: z.number(), step_index: z.number() });
export type Hit = z.infer<typeof Hit>;
export const Hits = z.object({ hits: z.array(Hit), total: z.number(), next: text });
export type Hits = z.infer<typeof Hits>;

export const GROUPS = ["fixed", "broken", "right", "wrong"] as const;
export const Compared = z.object({
  rows: z.number(),
  groups: z.object({
    fixed: z.number(),
    broken: z.number(),
    right: z.number(),
    wrong: z.number(),
    unknown: z.number(),
  }),
  divergence: z.nullable(z.object({ of: z.string(), mean: nullable, rows: z.number() })),
  provenance: z.record(z.string(), z.object({ first: z.unknown(), second: z.unknown() })),
});
export type Compared = z.infer<typeof Compared>;

export const Health = z.object({
  status: z.string(),
  session: z.optional(z.string()),
  tokenizer: z.optional(
    z.object({ tokenizer_type: z.string(), num_bins: z.number(), vocab_order: z.array(z.string()) }),
  ),
  analysis: z.boolean(),
  models: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
});
export type Health = z.infer<typeof Health>;

export const View = z.object({
  name: z.string(),
  where: z.string(),
  sort: text,
  session: text,
  note: z.string(),
});
export type View = z.infer<typeof View>;
export const Views = z.object({ views: z.array(View), may_write: z.boolean() });

const judged = z.nullable(z.enum(JUDGEMENTS));
export const Analysis = z.object({
  board: z.array(z.number()),
  legal: z.array(z.boolean()),
  board_value: z.number(),
  teacher: z.object({
    depth: z.number(),
    source: z.string(),
    evs: z.array(nullable),
    best: Move,
    losses: z.array(nullable),
    accuracies: z.array(nullable),
    judgements: z.array(judged),
  }),
  model: z.nullable(
    z.object({
      model_hash: text,
      head_type: z.string(),
      vocab_order: z.array(z.string()),
      policy: z.array(z.number()),
      bins: z.nullable(z.array(z.array(z.number()))),
      best: Move,
      entropy: nullable,
      values: z.record(z.string(), z.union([nullable, z.array(z.number())])),
      loss: nullable,
    }),
  ),
  model_reason: z.optional(text),
});
export type Analysis = z.infer<typeof Analysis>;

export const Rollouts = z.object({
  games: z.number(),
  player: z.string(),
  depth: nullable,
  seed: z.number(),
  moves: z.array(
    z.object({
      move: z.number(),
      mean_score: z.number(),
      low: z.number(),
      high: z.number(),
      mean_moves: z.number(),
      reached: z.array(z.object({ tile: z.number(), share: z.number(), low: z.number(), high: z.number() })),
    }),
  ),
  differences: z.array(
    z.object({
      move: z.number(),
      other: z.number(),
      mean: z.number(),
      low: z.number(),
      high: z.number(),
    }),
  ),
});
export type Rollouts = z.infer<typeof Rollouts>;
