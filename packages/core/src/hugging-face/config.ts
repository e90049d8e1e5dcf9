/**
 * The settings that stand beside the weights of a Hugging Face model.
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { ContractError } from "../errors.ts";
import type { JsonValue } from "../checkpoint/checkpoint-index.ts";
import { nodeFiles, readSmallFile, type CheckpointFiles } from "../checkpoint/files.ts";

/** What `config.json` holds, by Hugging Face's names. */
export type HuggingFaceConfig = Readonly<Record<string, JsonValue>>;

/** Name of the file in a model's folder. */
export const CONFIG_FILE = "config.json";

/**
 * The `config.json` of a model's folder.
 *
 * @example
 * ```ts
 * const config = readHuggingFaceConfig("models/gpt2");
 * const model = new GPT(gptOptionsFromConfig(config));
 * loadHuggingFace(model, "models/gpt2");
 * ```
 * @throws ContractError if there is none, or it is not a JSON object.
 */
export function readHuggingFaceConfig(folder: string, files: CheckpointFiles = nodeFiles): HuggingFaceConfig {
  const path = join(folder, CONFIG_FILE);
  if (!files.exists(path)) {
    throw new ContractError(
      `readHuggingFaceConfig: folder (${folder}) must hold ${CONFIG_FILE}; use the folder that save_pretrained wrote.`,
    );
  }
  return parseObject(readSmallFile(files, path), `readHuggingFaceConfig: ${path}`);
}

/** The JSON object in a text. `where` begins the error. */
export function parseObject(text: string, where: string): Readonly<Record<string, JsonValue>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ContractError(`${where} must be JSON (${(cause as Error).message}); use another copy.`, {
      cause,
    });
  }
  if (isObject(parsed)) return parsed;
  throw new ContractError(`${where} must be a JSON object; use another copy.`);
}

/** Whether a value is an object with keys. */
export function isObject(value: unknown): value is Readonly<Record<string, JsonValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
