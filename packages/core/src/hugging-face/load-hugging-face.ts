/**
 * Loads the weights of a Hugging Face model, each rank its own part.
 *
 * @packageDocumentation
 */
import { tensor as makeTensor } from "@tensorflow/tfjs";
import { numElements, wholeBox, type Box } from "../checkpoint/box.ts";
import { CheckpointError } from "../checkpoint/checkpoint-error.ts";
import { decodeElements } from "../checkpoint/element-values.ts";
import { nodeFiles, type CheckpointFiles } from "../checkpoint/files.ts";
import type { BytesRead } from "../checkpoint/read-safetensors.ts";
import { namedParameters } from "../nn/module.ts";
import type { Parameter } from "../nn/parameter.ts";
import { fileProblems, findPlaces, type Places } from "./check-files.ts";
import { describedModel, modelProblems, type HuggingFaceKind } from "./check-model.ts";
import { readHuggingFaceConfig, type HuggingFaceConfig } from "./config.ts";
import { ModelFiles } from "./model-files.ts";
import { DEFAULT_GAP_BYTES, readPart } from "./read-part.ts";
import { HEAD, TABLE_PARAMETER, tensorBox, tensorsOf, type TensorName } from "./tensor-names.ts";
import { transposed } from "./transpose.ts";

/** How a model is loaded. */
export interface LoadHuggingFaceOptions {
  /** Which parameters to fill, by dotted name: those of a pipeline's stage, for example. Default: all. */
  readonly only?: (name: string, parameter: Parameter) => boolean;
  /**
   * Where this rank's part of a tensor lies in pieces, gaps of at most this many bytes are read with them, as fewer and
   * longer reads are faster. Default 4096; 0 reads nothing but the part.
   */
  readonly maxGapBytes?: number;
  /** Kinds of models besides GPT-2 and Llama: `MIXTRAL` of `@meshwright/moe`, for example. Default: none. */
  readonly kinds?: readonly HuggingFaceKind[];
  /** The file system, for tests. */
  readonly files?: CheckpointFiles;
}

/** What was loaded. */
export interface LoadedHuggingFace {
  readonly config: HuggingFaceConfig;
  /** Bytes that this rank read: headers of files, and elements. */
  readonly bytesRead: BytesRead;
}

/**
 * Fills the parameters of a GPT, Llama or model of the given `kinds`, whole or split, from the folder of a Hugging Face model: `config.json` and
 * `model.safetensors`, or `model.safetensors.index.json` and its files.
 *
 * | in the file                                   | becomes                                          |
 * | --------------------------------------------- | ------------------------------------------------ |
 * | GPT-2 `Conv1D` weight `[in, out]`             | the weight `[in, out]`                           |
 * | GPT-2 `c_attn` `[D, 3 D]`                     | `query`, `key`, `value`, each `[D, D]`           |
 * | Llama `Linear` weight `[out, in]`             | its transpose                                    |
 * | the embedding's table, with a tied head       | `tokenEmbedding.weight`, once                    |
 * | a tensor for each expert                      | one parameter that stacks them                   |
 * | `F16`, `BF16`, `F64`                          | float32                                          |
 *
 * No communication: every rank reads the byte ranges of its own part, so the ranks need the same folder each. The model
 * need not be initialized before. Everything is compared before anything is changed: settings, names, shapes, element types.
 *
 * @example
 * ```ts
 * const options = gptOptionsFromConfig(readHuggingFaceConfig("models/gpt2"));
 * const model = parallelGPT({ mesh, axis: "tp", ...options });
 * const { bytesRead } = loadHuggingFace(model, "models/gpt2");
 * ```
 * @throws ContractError if the config has a setting that our models have not.
 * @throws CheckpointError that lists everything in which model, config and files differ, or if a file is damaged.
 */
export function loadHuggingFace(
  model: object,
  folder: string,
  options: LoadHuggingFaceOptions = {},
): LoadedHuggingFace {
  const { only = () => true, maxGapBytes = DEFAULT_GAP_BYTES, files = nodeFiles } = options;
  const config = readHuggingFaceConfig(folder, files);
  const described = describedModel("loadHuggingFace", config, options.kinds);
  const source = ModelFiles.open(folder, files);
  try {
    const places = findPlaces(described, source);
    requireNone(folder, [
      ...modelProblems(model, described.model),
      ...fileProblems(described, source, places),
    ]);
    const wanted = [...namedParameters(model)].filter(([name, parameter]) => only(name, parameter));
    requireTiedHead(source, places, { wanted, maxGapBytes });
    for (const [name, parameter] of wanted) {
      fill(parameter, readValues(source, places.get(name)!, { parameter, maxGapBytes }));
    }
    return { config, bytesRead: source.bytesRead };
  } finally {
    source.close();
  }
}

function requireNone(folder: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new CheckpointError(
    `loadHuggingFace: model and ${folder} must be alike; use the options from its config.json and another copy of files that do not fit:\n- ${problems.join(".\n- ")}.`,
  );
}

/** A file that holds a head's weight beside the table it is tied to must hold the same values in both. */
function requireTiedHead(
  source: ModelFiles,
  places: Places,
  { wanted, maxGapBytes }: { readonly wanted: readonly [string, Parameter][]; readonly maxGapBytes: number },
): void {
  const parameter = new Map(wanted).get(TABLE_PARAMETER);
  if (places.has(HEAD.parameter) || parameter === undefined || source.entry(HEAD.tensor) === undefined)
    return;
  const table = places.get(TABLE_PARAMETER)!;
  const part = { ...partOf(parameter), maxGapBytes };
  const [a, b] = [table.tensor, HEAD.tensor].map((name) => readPart(source.fileOf(name)!, name, part));
  if (Buffer.compare(a!, b!) === 0) return;
  requireNone(source.folder, [
    `tensor "${HEAD.tensor}" must equal "${table.tensor}", as the config ties them (tie_word_embeddings)`,
  ]);
}

/** The values of this rank's part of a parameter. */
function readValues(
  source: ModelFiles,
  place: TensorName,
  options: { readonly parameter: Parameter; readonly maxGapBytes: number },
): Float32Array {
  const { shape: parameterShape } = options.parameter;
  const part = partOf(options.parameter);
  if (place.stacked === undefined) return readBox(source, place, { ...options, part, parameterShape });
  const inner = { part: withoutFirst(part), parameterShape: parameterShape.slice(1) };
  const values = new Float32Array(numElements(part.shape));
  const size = numElements(inner.part.shape);
  const wanted = tensorsOf(place, parameterShape).slice(part.offset[0], part.offset[0]! + part.shape[0]!);
  wanted.forEach((tensor, i) => {
    values.set(readBox(source, tensor, { ...options, ...inner }), i * size);
  });
  return values;
}

/** The values of a part of what one tensor holds. */
function readBox(
  source: ModelFiles,
  place: TensorName,
  options: { readonly part: Box; readonly parameterShape: readonly number[]; readonly maxGapBytes: number },
): Float32Array {
  const { tensor } = place;
  const { part, parameterShape, maxGapBytes } = options;
  const file = source.fileOf(tensor)!;
  const box = tensorBox(place, part, { parameterShape });
  const bytes = readPart(file, tensor, { ...box, maxGapBytes });
  const where = `${file.path}: tensor "${tensor}"`;
  const values = decodeElements(bytes, file.entry(tensor).dtype, where) as Float32Array;
  return place.transposed ? transposed(values, { rows: box.shape[0]!, columns: box.shape[1]! }) : values;
}

function withoutFirst({ shape, offset }: Box): Box {
  return { shape: shape.slice(1), offset: offset.slice(1) };
}

function partOf({ shape, shard }: Parameter): Box {
  return shard === undefined ? wholeBox(shape) : { shape: shard.localShape, offset: shard.offset };
}

function fill(parameter: Parameter, values: Float32Array): void {
  const { shape, shard } = parameter;
  parameter.assign(shard === undefined ? makeTensor(values, [...shape], "float32") : shard.fromLocal(values));
}
