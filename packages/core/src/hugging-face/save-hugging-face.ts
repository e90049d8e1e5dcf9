/**
 * Saves a model as a Hugging Face model.
 *
 * @packageDocumentation
 */
import { join } from "node:path";
import { slice as sliceOf, tidy } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { ProcessGroup } from "../collectives/process-group.ts";
import { encodeElements } from "../checkpoint/element-values.ts";
import { nodeFiles, writeSmallFile, type CheckpointFiles } from "../checkpoint/files.ts";
import type { ExportDtype } from "../checkpoint/tensor-source.ts";
import { writeSafetensors, type TensorToWrite } from "../checkpoint/write-safetensors.ts";
import { namedParameters } from "../nn/module.ts";
import type { Parameter } from "../nn/parameter.ts";
import { describedModel, modelProblems, type HuggingFaceKind } from "./check-model.ts";
import { CONFIG_FILE, type HuggingFaceConfig } from "./config.ts";
import { joinColumns } from "./join-columns.ts";
import { WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./model-files.ts";
import { placeOf, tensorShape, tensorsOf, type NameTable, type TensorName } from "./tensor-names.ts";
import { transposed } from "./transpose.ts";

/** How a model is saved. */
export interface SaveHuggingFaceOptions {
  /** What goes into `config.json`: that of the loaded model, `configFromGPTOptions` or `configFromLlamaOptions`. */
  readonly config: HuggingFaceConfig;
  /** All ranks, if there are several: the first writes. Default: this rank alone. */
  readonly group?: ProcessGroup;
  /** Of the file. Default `"F32"`; `"BF16"` and `"F16"` round to nearest even. */
  readonly dtype?: ExportDtype;
  /** Kinds of models besides GPT-2 and Llama. Default: none. */
  readonly kinds?: readonly HuggingFaceKind[];
  /** The file system, for tests. */
  readonly files?: CheckpointFiles;
}

/** A tensor of the file and the parameters that make it, in the order of its columns. */
interface Export {
  readonly place: TensorName;
  readonly parameters: readonly Parameter[];
  /** Which slice of the parameter's first dim, where that stacks tensors. */
  readonly slice?: number | undefined;
}

/**
 * Writes the folder of a Hugging Face model, `config.json` and `model.safetensors`, which `from_pretrained` of
 * transformers reads: the inverse of `loadHuggingFace`. A model that was loaded gives back the same bytes.
 *
 * A collective where a parameter is split: every rank calls it, and each split parameter is gathered in turn, so that no
 * rank holds more than one tensor whole. The first rank writes; all return once the files are on the disk.
 *
 * @example
 * ```ts
 * saveHuggingFace(model, "export", { config: configFromGPTOptions(options), group: world.group });
 * ```
 * @throws ContractError if the model is not the one that the config describes, the folder holds a model in several files,
 * or a parameter is split and there is no `group`.
 * @throws CheckpointError if a file cannot be written.
 */
export function saveHuggingFace(model: object, folder: string, options: SaveHuggingFaceOptions): void {
  const { config, group, dtype = "F32", files = nodeFiles } = options;
  const described = describedModel("saveHuggingFace", config, options.kinds);
  requireFits(model, folder, { ...options, problems: modelProblems(model, described.model) });
  const exports = exportsOf(model, described.table);
  if (group === undefined || group.rank === 0) {
    write(folder, exports, { config, dtype, files });
  } else {
    // Takes part in the gathers of the rank that writes, in its order.
    for (const { parameters, slice } of exports) {
      for (const parameter of parameters) fullValues(parameter, slice);
    }
  }
  group?.barrier({ label: "saveHuggingFace: files are written" });
}

function requireFits(
  model: object,
  folder: string,
  options: SaveHuggingFaceOptions & { readonly problems: readonly string[] },
): void {
  const { group, files = nodeFiles } = options;
  const problems = [...options.problems];
  if (files.exists(join(folder, WEIGHTS_INDEX_FILE))) {
    problems.push(`folder (${folder}) must not hold ${WEIGHTS_INDEX_FILE}; use an empty folder`);
  }
  const split = [...namedParameters(model)].find(([, { shard }]) => shard !== undefined);
  if (group === undefined && split !== undefined) {
    problems.push(`parameter "${split[0]}" is split, so group must be given; use group: world.group`);
  }
  if (problems.length === 0) return;
  throw new ContractError(
    `saveHuggingFace: model must be the one that config describes:\n- ${problems.join(".\n- ")}.`,
  );
}

function exportsOf(model: object, table: NameTable): readonly Export[] {
  const exports = new Map<string, { place: TensorName; parameters: Parameter[]; slice?: number }>();
  for (const [name, parameter] of namedParameters(model)) {
    const place = placeOf(table, name)!;
    if (place.stacked) {
      tensorsOf(place, parameter.shape).forEach(({ tensor }, slice) =>
        exports.set(tensor, { place: { ...place, tensor }, parameters: [parameter], slice }),
      );
      continue;
    }
    // Query, key and value follow one another in the model, as in the tensor.
    const entry = exports.get(place.tensor) ?? { place, parameters: [] };
    entry.parameters.push(parameter);
    exports.set(place.tensor, entry);
  }
  return [...exports.values()];
}

function write(
  folder: string,
  exports: readonly Export[],
  { config, dtype, files }: { config: HuggingFaceConfig; dtype: ExportDtype; files: CheckpointFiles },
): void {
  const tensors = exports.map(({ place, parameters, slice }): TensorToWrite => {
    const shape = tensorShape(place, parameters[0]!.shape);
    const bytes = (): Uint8Array =>
      encodeElements(tensorValues({ place, parameters, slice }), dtype, place.tensor);
    return { name: place.tensor, dtype, shape, bytes };
  });
  files.createFolder(folder);
  const unfinished = join(folder, `.saving-${WEIGHTS_FILE}`);
  // transformers 4 refuses a file that does not say what its tensors are for.
  writeSafetensors(unfinished, tensors, { metadata: { format: "pt" }, files });
  files.rename(unfinished, join(folder, WEIGHTS_FILE));
  writeSmallFile(files, join(folder, CONFIG_FILE), `${JSON.stringify(config, undefined, 2)}\n`);
  files.syncFolder(folder);
}

function tensorValues({ place, parameters, slice }: Export): Float32Array {
  const [first] = parameters as readonly [Parameter];
  if (place.part !== undefined)
    return joinColumns(
      parameters.map((parameter) => fullValues(parameter)),
      first.shape.at(-1)!,
    );
  const values = fullValues(first, slice);
  const [rows, columns] = first.shape.slice(-2);
  return place.transposed ? transposed(values, { rows: rows!, columns: columns! }) : values;
}

function fullValues(parameter: Parameter, slice?: number): Float32Array {
  const { variable, shard } = parameter;
  if (slice === undefined)
    return shard === undefined ? variable.dataSync<"float32">() : shard.readFull(variable);
  const [, ...sizes] = parameter.shape;
  const one = tidy(() => sliceOf(variable, [slice, ...sizes.map(() => 0)], [1, ...sizes]));
  const values = shard === undefined ? one.dataSync<"float32">() : shard.readFull(one);
  one.dispose();
  return values;
}
