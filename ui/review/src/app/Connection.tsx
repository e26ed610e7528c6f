// Says when the server is gone, looks for it until it is back, and asks for the token where it wants one.
import { type FormEvent, useEffect, useState } from "react";
import { ask, queryClient, sentenceOf, useServerState } from "../api/client.ts";
import styles from "./Connection.module.css";

const EVERY_MS = 1000;

export function Connection() {
  const state = useServerState();
  if (state === "lost") return <Lost />;
  return state === "locked" ? <TokenForm /> : null;
}

function Lost() {
  useEffect(() => {
    const timer = setInterval(() => ask("/health").catch(() => undefined), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className={styles.lost} role="alert">
      The server does not answer. What you see is what it said before; this page goes on when it is back.
    </p>
  );
}

function TokenForm() {
  const [fault, setFault] = useState("");
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget).get("token");
    const headers = { "content-type": "application/json" };
    try {
      await ask("/token", { method: "POST", headers, body: JSON.stringify({ token }) });
      await queryClient.invalidateQueries();
    } catch (error) {
      setFault(sentenceOf(error));
    }
  };
  return (
    <form className={styles.token} onSubmit={send}>
      <label>
        This server wants its token, the word in the file of <code>token_file=</code>{" "}
        <input name="token" type="password" required autoComplete="off" />
      </label>
      <button type="submit">Enter</button>
      {fault && <span role="alert">{fault}</span>}
    </form>
  );
}
