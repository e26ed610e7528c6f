// What stands around every page: the header, whether the server answers, the keys.
import { Link, Outlet } from "@tanstack/react-router";
import { useState } from "react";
import { Connection } from "./Connection.tsx";
import { Help } from "./Help.tsx";
import { useKeyboard, useKeys } from "./keys.tsx";
import { LINKS } from "./navigation.ts";
import styles from "./Shell.module.css";
import { keepTheme, storedTheme, THEMES, type Theme } from "./theme.ts";

export function Shell() {
  const [showsHelp, setShowsHelp] = useState(false);
  useKeyboard();
  useKeys([{ key: "?", label: "Show the keys", run: () => setShowsHelp(true) }]);
  return (
    <>
      <header className={styles.header}>
        <strong>Railyard review</strong>
        <nav aria-label="Pages">
          {LINKS.map(({ to, label }) => (
            <Link key={to} to={to} activeOptions={{ exact: true }} activeProps={{ "aria-current": "page" }}>
              {label}
            </Link>
          ))}
        </nav>
        <ThemeChoice />
        <button type="button" onClick={() => setShowsHelp(true)} aria-label="Show the keys">
          ?
        </button>
      </header>
      <Connection />
      <main className={styles.main}>
        <Outlet />
      </main>
      {showsHelp && <Help close={() => setShowsHelp(false)} />}
    </>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState(storedTheme);
  const choose = (next: Theme) => {
    keepTheme(next);
    setTheme(next);
  };
  return (
    <select aria-label="Colours" value={theme} onChange={(event) => choose(event.target.value as Theme)}>
      {THEMES.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
