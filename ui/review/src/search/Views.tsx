// Named searches of the server: opened, kept, forgotten. A server that keeps none says so.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ask, sendJson, sentenceOf } from "../api/client.ts";
import { View } from "../api/schemas.ts";
import { viewsQuery } from "./queries.ts";
import styles from "./Views.module.css";

interface Props {
  session: string;
  where: string;
  sort: string;
  open: (view: { where: string; sort: string }) => void;
}

export function Views({ session, where, sort, open }: Props) {
  const { data } = useQuery(viewsQuery);
  const [isOpen, setIsOpen] = useState(false);
  const count = data?.views.length ?? 0;
  return (
    <div className={styles.views}>
      <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        Saved searches ({count})
      </button>
      {isOpen && data && (
        <div className={styles.panel}>
          <ul>
            {data.views.map((view) => (
              <Kept
                key={view.name}
                view={view}
                mayWrite={data.may_write}
                open={() => open({ where: view.where, sort: view.sort ?? "" })}
              />
            ))}
          </ul>
          {data.may_write ? (
            <Keep session={session} where={where} sort={sort} />
          ) : (
            <p>This server keeps no searches: it reads only, or shows single sessions.</p>
          )}
        </div>
      )}
    </div>
  );
}

const pathOf = (name: string) => `/views/${encodeURIComponent(name)}`;

function useChanged() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: viewsQuery.queryKey });
}

function Kept({ view, mayWrite, open }: { view: View; mayWrite: boolean; open: () => void }) {
  const onSuccess = useChanged();
  const forget = useMutation({ mutationFn: () => ask(pathOf(view.name), { method: "DELETE" }), onSuccess });
  return (
    <li>
      <button type="button" onClick={open}>
        {view.name}
      </button>
      <code>{view.where || "all steps"}</code>
      {mayWrite && (
        <button type="button" onClick={() => forget.mutate()} aria-label={`Forget ${view.name}`}>
          Forget
        </button>
      )}
      {forget.error && <span role="alert">{sentenceOf(forget.error)}</span>}
    </li>
  );
}

function Keep({ session, where, sort }: Omit<Props, "open">) {
  const onSuccess = useChanged();
  const keep = useMutation({
    mutationFn: (name: string) => sendJson("PUT", pathOf(name), { where, sort: sort || null, session }, View),
    onSuccess,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    if (name) keep.mutate(name);
  };
  return (
    <form onSubmit={submit}>
      <label>
        Keep this search as <input name="name" type="text" required maxLength={100} autoComplete="off" />
      </label>
      <button type="submit">Keep</button>
      <span role="status">{keep.isSuccess && "Kept"}</span>
      {keep.error && <span role="alert">{sentenceOf(keep.error)}</span>}
    </form>
  );
}
