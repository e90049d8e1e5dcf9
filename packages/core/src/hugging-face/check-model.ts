/**
 * Compares a model with the one that a `config.json` describes.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import { GPT } from "../nn/gpt.ts";
import { Llama } from "../nn/llama.ts";
import { namedModules, namedParameters, type Module } from "../nn/module.ts";
import type { HuggingFaceConfig } from "./config.ts";
import { gptOptionsFromConfig } from "./gpt-config.ts";
import { GPT_NAMES } from "./gpt-names.ts";
import { llamaOptionsFromConfig } from "./llama-config.ts";
import { LLAMA_NAMES } from "./llama-names.ts";
import type { NameTable } from "./tensor-names.ts";

/** Settings that no tensor's shape shows. */
const FIELDS = ["heads", "keyValueHeads", "epsilon", "frequencies", "approximate", "choice"] as const;

/** A kind of model: how its config is read, and where its tensors stand. */
export interface HuggingFaceKind {
  /** `model_type` in its config. */
  readonly modelType: string;
  readonly table: NameTable;
  /**
   * The model that a config describes, without values.
   *
   * @throws ContractError if the config has settings that the model has not.
   */
  readonly build: (config: HuggingFaceConfig) => Module;
}

const KINDS: readonly HuggingFaceKind[] = [
  { modelType: "gpt2", table: GPT_NAMES, build: (config) => new GPT(gptOptionsFromConfig(config)) },
  { modelType: "llama", table: LLAMA_NAMES, build: (config) => new Llama(llamaOptionsFromConfig(config)) },
];

/** What a config describes: the names of its tensors, and the model, without values. */
export interface DescribedModel {
  readonly table: NameTable;
  readonly model: Module;
}

/**
 * @param more - kinds besides GPT-2 and Llama
 * @throws ContractError if the config is of another kind, or has settings that ours have not.
 */
export function describedModel(
  where: string,
  config: HuggingFaceConfig,
  more: readonly HuggingFaceKind[] = [],
): DescribedModel {
  const { model_type: type } = config;
  const kinds = [...KINDS, ...more];
  const kind = kinds.find(({ modelType }) => modelType === type);
  if (kind !== undefined) return { table: kind.table, model: kind.build(config) };
  const names = kinds.map(({ modelType }) => `"${modelType}"`);
  throw new ContractError(
    `${where}: model_type (${type === undefined ? "left out" : JSON.stringify(type)}) must be ${names.slice(0, -1).join(", ")} or ${names.at(-1)!}; use a model of one of these kinds.`,
  );
}

/** In what the model differs from the described one: parameters and their shapes, heads, norms, rotation. */
export function modelProblems(model: object, described: Module): readonly string[] {
  return [...parameterProblems(model, described), ...fieldProblems(model, described)];
}

function parameterProblems(model: object, described: Module): readonly string[] {
  const [ours, theirs] = [namedParameters(model), namedParameters(described)];
  const problems: string[] = [];
  for (const [name, { shape }] of theirs) {
    const own = ours.get(name);
    if (own === undefined) problems.push(`parameter "${name}" must be in the model, as the config says`);
    else if (own.shape.join() !== shape.join()) {
      problems.push(
        `parameter "${name}" ([${own.shape.join(", ")}]) must have the shape that the config says ([${shape.join(", ")}])`,
      );
    }
  }
  const extra = [...ours.keys()].filter((name) => !theirs.has(name));
  problems.push(...extra.map((name) => `parameter "${name}" must not be in the model, as the config says`));
  return problems;
}

/** A module that hides its fields, as one around another may, is not compared. */
function fieldProblems(model: object, described: Module): readonly string[] {
  const ours = namedModules(model);
  return [...namedModules(described)].flatMap(([path, theirs]) =>
    FIELDS.flatMap((field) => {
      const [own, expected] = [fieldOf(ours.get(path), field), fieldOf(theirs, field)];
      if (own === undefined || expected === undefined || own === expected) return [];
      return [`"${path}.${field}" (${own}) must be as the config says (${expected})`];
    }),
  );
}

/** As text, so that lists compare too. */
function fieldOf(module: Module | undefined, field: string): string | undefined {
  return JSON.stringify(new Map<string, unknown>(Object.entries(module ?? {})).get(field));
}
