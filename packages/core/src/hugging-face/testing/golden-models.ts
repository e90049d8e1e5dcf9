/**
 * The checkpoints and logits that golden/hugging-face.py wrote.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const GOLDEN = new URL("../../../golden/", import.meta.url);

/** Names of the checkpoints. */
export const GOLDEN_MODELS = ["gpt2", "llama", "llama-tied"] as const;

/** One of the checkpoints. */
export type GoldenModel = (typeof GOLDEN_MODELS)[number];

/** Folder of a checkpoint. */
export function goldenFolder(name: GoldenModel): string {
  return fileURLToPath(new URL(`hugging-face/${name}`, GOLDEN));
}

/** Token numbers `[2, 7]` and the logits `[2, 7, 37]` of each model, flat. */
export function goldenLogits(): {
  readonly tokens: readonly (readonly number[])[];
  readonly logits: Readonly<Record<GoldenModel, readonly number[]>>;
} {
  return JSON.parse(readFileSync(new URL("hugging-face.json", GOLDEN), "utf8")) as ReturnType<
    typeof goldenLogits
  >;
}
