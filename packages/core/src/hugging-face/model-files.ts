/**
 * The weights of a Hugging Face model: one safetensors file, or several and an index.
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { CheckpointError } from "../checkpoint/checkpoint-error.ts";
import { nodeFiles, readSmallFile, type CheckpointFiles } from "../checkpoint/files.ts";
import type { HeaderEntry } from "../checkpoint/header.ts";
import { SafetensorsFile, type BytesRead } from "../checkpoint/read-safetensors.ts";
import { isObject, parseObject } from "./config.ts";

/** The file of a model that is saved whole. */
export const WEIGHTS_FILE = "model.safetensors";
/** The index of a model in several files. */
export const WEIGHTS_INDEX_FILE = "model.safetensors.index.json";

/** The open files of a model. `close` them. */
export class ModelFiles {
  readonly folder: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(folder: string, files: readonly SafetensorsFile[]) {
    this.folder = folder;
    this.#files = files;
    this.#fileOf = new Map(
      files.flatMap((file) => [...file.header.tensors.keys()].map((name) => [name, file])),
    );
  }

  /**
   * Opens the files and reads their headers.
   *
   * @throws CheckpointError if a file is missing or damaged, or the index and the files disagree.
   */
  static open(folder: string, files: CheckpointFiles = nodeFiles): ModelFiles {
    const indexPath = join(folder, WEIGHTS_INDEX_FILE);
    // A single file goes first, as in transformers.
    if (files.exists(join(folder, WEIGHTS_FILE))) return openAll(folder, [WEIGHTS_FILE], files);
    if (!files.exists(indexPath)) throw noWeights(folder, files);
    const weightMap = readWeightMap(indexPath, files);
    const model = openAll(folder, [...new Set(weightMap.values())].sort(), files);
    try {
      model.#requireAsIn(weightMap);
      return model;
    } catch (error) {
      model.close();
      throw error;
    }
  }

  /** @internal */
  static of(folder: string, files: readonly SafetensorsFile[]): ModelFiles {
    return new ModelFiles(folder, files);
  }

  /** Names of all tensors. */
  get names(): Iterable<string> {
    return this.#fileOf.keys();
  }

  /** The file that holds a tensor. */
  fileOf(name: string): SafetensorsFile | undefined {
    return this.#fileOf.get(name);
  }

  /** What is said of a tensor. */
  entry(name: string): HeaderEntry | undefined {
    return this.#fileOf.get(name)?.entry(name);
  }

  /** Bytes read so far, of all files. */
  get bytesRead(): BytesRead {
    const total = { header: 0, data: 0 };
    for (const { bytesRead } of this.#files) {
      total.header += bytesRead.header;
      total.data += bytesRead.data;
    }
    return total;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  #requireAsIn(weightMap: ReadonlyMap<string, string>): void {
    const problems = [...weightMap]
      .filter(([name, file]) => this.#fileOf.get(name)?.path !== join(this.folder, file))
      .map(([name, file]) => `tensor "${name}" must be in ${file}, as the index says`);
    const extra = [...this.#fileOf.keys()].filter((name) => !weightMap.has(name));
    problems.push(...extra.map((name) => `tensor "${name}" must be in the index, as the files hold it`));
    if (problems.length === 0) return;
    throw new CheckpointError(
      `${join(this.folder, WEIGHTS_INDEX_FILE)}: index must fit the files:\n- ${problems.join(".\n- ")}.`,
    );
  }
}

function openAll(folder: string, names: readonly string[], files: CheckpointFiles): ModelFiles {
  const opened: SafetensorsFile[] = [];
  try {
    for (const name of names) opened.push(SafetensorsFile.open(join(folder, name), files));
    return ModelFiles.of(folder, opened);
  } catch (error) {
    for (const file of opened) file.close();
    throw error;
  }
}

function readWeightMap(path: string, files: CheckpointFiles): ReadonlyMap<string, string> {
  const { weight_map: weightMap } = parseObject(readSmallFile(files, path), path);
  const entries = isObject(weightMap) ? Object.entries(weightMap) : [];
  const isFile = (file: unknown): file is string =>
    typeof file === "string" && file.endsWith(".safetensors") && !/[/\\]/.test(file);
  const wrong = entries.find(([, file]) => !isFile(file));
  if (entries.length > 0 && wrong === undefined) return new Map(entries as [string, string][]);
  const found = wrong === undefined ? "no file" : JSON.stringify(wrong[1]);
  throw new CheckpointError(
    `${path}: weight_map must name safetensors files in the same folder, but names ${found}; use another copy.`,
  );
}

function noWeights(folder: string, files: CheckpointFiles): CheckpointError {
  const others = files.list(folder).filter((name) => name.endsWith(".bin"));
  const found = others.length === 0 ? "" : `, but holds ${others.join(", ")}`;
  return new CheckpointError(
    `loadHuggingFace: folder (${folder}) must hold ${WEIGHTS_FILE} or ${WEIGHTS_INDEX_FILE}${found}; use the folder that save_pretrained wrote.`,
  );
}
