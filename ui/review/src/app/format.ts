// Numbers as pages write them; what is unknown is a dash.
const WHOLE = new Intl.NumberFormat("en");
const SIGNED = new Intl.NumberFormat("en", { signDisplay: "exceptZero", maximumFractionDigits: 3 });
const MINUS = "−";

type Value = number | null | undefined;

const isNumber = (value: Value): value is number => value != null && !Number.isNaN(value);

export const whole = (value: Value): string =>
  isNumber(value) ? WHOLE.format(value).replace("-", MINUS) : "–";

export const fixed = (value: Value, digits: number): string => {
  if (!isNumber(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  return value.toFixed(digits).replace("-", MINUS);
};

export const signed = (value: Value): string =>
  isNumber(value) ? SIGNED.format(value).replace("-", MINUS) : "–";

export const percent = (share: Value, digits = 1): string =>
  isNumber(share) ? `${fixed(100 * share, digits)} %` : "–";
