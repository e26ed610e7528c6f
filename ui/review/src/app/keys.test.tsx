// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useKeyboard, useKeys } from "./keys.tsx";

const pressed: string[] = [];
let unmount = () => {};

function Page() {
  useKeyboard();
  useKeys([
    { key: ["h", "ArrowLeft"], label: "left", run: () => pressed.push("left") },
    { key: " ", label: "on", run: () => pressed.push("on") },
  ]);
  return (
    <>
      <input type="text" />
      <input type="range" />
      <button type="button">Press</button>
    </>
  );
}

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  pressed.length = 0;
  const frame = document.body.appendChild(document.createElement("div"));
  const root = createRoot(frame);
  act(() => root.render(<Page />));
  unmount = () => act(() => root.unmount());
});
afterEach(() => unmount());

const press = (selector: string, key: string, more: KeyboardEventInit = {}) =>
  document
    .querySelector(selector)
    ?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));

test("keys work from anywhere, a slider included", () => {
  press("body", "h");
  press("input[type=range]", "ArrowLeft");
  expect(pressed).toEqual(["left", "left"]);
});

test("not while one types, nor with Control", () => {
  press("input[type=text]", "h");
  press("body", "h", { ctrlKey: true });
  expect(pressed).toEqual([]);
});

test("space presses the button that has the focus", () => {
  press("button", " ");
  expect(pressed).toEqual([]);
  press("body", " ");
  expect(pressed).toEqual(["on"]);
});

test("a page that is gone hears nothing", () => {
  unmount();
  press("body", "h");
  expect(pressed).toEqual([]);
});
