// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CopyButton } from "./CopyButton.tsx";

const copied: string[] = [];
let unmount = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  copied.length = 0;
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  act(() => root.render(<CopyButton text="0 1 2">Copy numbers</CopyButton>));
  unmount = () => act(() => root.unmount());
});
afterEach(() => {
  unmount();
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function press(clipboard: unknown): Promise<string | null> {
  vi.stubGlobal("navigator", { clipboard });
  await act(async () => document.querySelector("button")?.click());
  return document.body.textContent;
}

test("a text is copied, and for a moment the button says so", async () => {
  expect(await press({ writeText: async (text: string) => copied.push(text) })).toBe("Copy numbers · Copied");
  expect(copied).toEqual(["0 1 2"]);
  act(() => vi.runAllTimers());
  expect(document.body.textContent).toBe("Copy numbers");
});

test("where nothing may be copied, the text stays in sight", async () => {
  expect(await press(undefined)).toBe("Copy numbers · The browser does not allow it0 1 2");
  act(() => vi.runAllTimers());
  expect(document.querySelector("code")?.textContent).toBe("0 1 2");
});
