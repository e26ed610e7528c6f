// The keyboard: pages tell their keys while they are shown, one listener finds whose turn it is, and `?` lists them.
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Key {
  /** As `KeyboardEvent.key` has it, or several that do the same. */
  key: string | readonly string[];
  label: string;
  run: () => void;
}

interface Layer {
  keys: readonly Key[];
}

let layers: readonly Layer[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Layer[]): void {
  layers = next;
  for (const listener of listeners) listener();
}

export function namesOf(binding: Key): readonly string[] {
  return typeof binding.key === "string" ? [binding.key] : binding.key;
}

/** The binding of a key; of several that were told, the last. */
export function findKey(name: string): Key | undefined {
  for (const layer of layers.toReversed()) {
    const found = layer.keys.find((binding) => namesOf(binding).includes(name));
    if (found) return found;
  }
  return undefined;
}

const TYPED = new Set(["text", "search", "number", "password", "email", "url", "tel", "date", "radio"]);

/** Whether the element takes keys for itself; a slider, a button and a checkbox do not. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return TYPED.has(target.type);
  return target.tagName === "TEXTAREA" || target.tagName === "SELECT" || target.isContentEditable;
}

/** Whether the element does something of its own when it is pressed with that key. */
function isPressed(target: EventTarget | null, key: string): boolean {
  return (
    (key === " " || key === "Enter") &&
    target instanceof HTMLElement &&
    target.matches("button, a, summary, input")
  );
}

function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
    return;
  if (document.querySelector("dialog[open]") || isPressed(event.target, event.key)) return;
  const binding = findKey(event.key);
  if (!binding) return;
  event.preventDefault();
  binding.run();
}

/** Hears all keys; for what stands around every page. */
export function useKeyboard(): void {
  useEffect(() => {
    addEventListener("keydown", handleKey);
    return () => removeEventListener("keydown", handleKey);
  }, []);
}

/** Binds keys as long as the component is shown. */
export function useKeys(keys: readonly Key[]): void {
  const layer = useRef<Layer>({ keys });
  useEffect(() => {
    layer.current.keys = keys;
  });
  useEffect(() => {
    const mine = layer.current;
    change([...layers, mine]);
    return () => change(layers.filter((other) => other !== mine));
  }, []);
}

/** All bindings of what is shown now, the newest layer last. */
export function useAllKeys(): readonly Key[] {
  const found = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => layers,
  );
  return found.flatMap((layer) => layer.keys);
}
