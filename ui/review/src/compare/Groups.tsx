// The steps of two models in four groups, over the pool and of those that meet the conditions.
import { useQueries } from "@tanstack/react-query";
import { type Compared, GROUPS } from "../api/schemas.ts";
import { percent, whole } from "../app/format.ts";
import { totalQuery } from "../search/queries.ts";
import styles from "./Groups.module.css";

export type Group = (typeof GROUPS)[number];

const ABOUT: Record<Group, [name: string, meaning: string]> = {
  fixed: ["Fixed", "the first is wrong, the second right"],
  broken: ["Broken", "the first is right, the second wrong"],
  right: ["Both right", "both choose the move recorded"],
  wrong: ["Both wrong", "neither does"],
};

interface Props {
  session: string;
  other: string;
  where: string;
  whole: Compared["groups"];
  group: Group;
  choose: (group: Group) => void;
}

export function Groups({ session, other, where, whole: pool, group: chosen, choose }: Props) {
  const asked = useQueries({
    queries: GROUPS.map((group) => ({
      ...totalQuery({ session, other, group, where, sort: "" }),
      enabled: where !== "",
    })),
  });
  const totals = GROUPS.map((group, place) => (where ? asked[place]?.data?.total : pool[group]));
  const known = totals.filter((total) => total !== undefined).reduce((sum, total) => sum + total, 0);
  return (
    <fieldset className={styles.groups} aria-label="Groups of steps">
      {GROUPS.map((group, place) => (
        <button key={group} type="button" aria-pressed={group === chosen} onClick={() => choose(group)}>
          <strong>{ABOUT[group][0]}</strong>
          <span className={styles.count}>
            {whole(totals[place])} <small>{known > 0 && percent((totals[place] ?? 0) / known)}</small>
          </span>
          <small>{ABOUT[group][1]}</small>
          {where && <small>of {whole(pool[group])} over the pool</small>}
        </button>
      ))}
      {pool.unknown > 0 && <p>{whole(pool.unknown)} steps have no move to compare with.</p>}
    </fieldset>
  );
}
