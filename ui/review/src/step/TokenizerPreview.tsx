// Whether tokens are shown, and if they are not, which of four things is missing.
import type { Step } from "../api/schemas.ts";
import styles from "./TokenizerPreview.module.css";

/** What the preview of a step can show, in words. */
export function previewOf(isOn: boolean, hasTokenizer: boolean, step: Step, fault: string | null): string[] {
  if (!isOn) return ["off"];
  if (fault !== null) return [`tokenizer lost: ${fault}`];
  if (!hasTokenizer) return ["no tokenizer loaded"];
  return [
    ...(step.tokens ? [] : ["teacher token unavailable"]),
    ...(step.student_bins ? [] : ["student bins unavailable"]),
  ];
}

interface Props {
  isOn: boolean;
  toggle: () => void;
  preview: readonly string[];
}

export function TokenizerPreview({ isOn, toggle, preview }: Props) {
  return (
    <p className={styles.preview}>
      <label>
        <input type="checkbox" checked={isOn} onChange={toggle} /> Tokenizer preview
      </label>
      <span role="status">{preview.length === 0 ? "on" : preview.join("; ")}</span>
    </p>
  );
}
