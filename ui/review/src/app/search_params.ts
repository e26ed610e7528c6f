// Parts of what stands after `?` in a URL, where all is text. What cannot be read is left out, so that any URL shows
// something.
import * as z from "zod/mini";

const read = <T>(from: (text: string) => T | undefined) =>
  z.optional(
    z.pipe(
      z.unknown(),
      z.transform((found): T | undefined =>
        found === undefined || found === "" ? undefined : from(String(found)),
      ),
    ),
  );

/** A whole number from 0 on. */
export const whole = read((text) => {
  const found = Number(text);
  return Number.isSafeInteger(found) && found >= 0 ? found : undefined;
});

export const flag = read((text) => (text === "true" ? true : undefined));
export const words = read((text) => text);

export const oneOf = <const T extends string | number>(values: readonly T[]) =>
  read((text) => values.find((value) => String(value) === text));
