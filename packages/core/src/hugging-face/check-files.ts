/**
 * Compares the tensors of files with the model that a `config.json` describes.
 *
 * @packageDocumentation
 */
import { isLoadable } from "../checkpoint/element-values.ts";
import { namedParameters } from "../nn/module.ts";
import type { DescribedModel } from "./check-model.ts";
import type { ModelFiles } from "./model-files.ts";
import { HEAD, placeOf, tensorShape, tensorsOf, type TensorName } from "./tensor-names.ts";

/** Where each parameter of a model stands, by its name. */
export type Places = ReadonlyMap<string, TensorName>;

/** Finds every parameter's place in the files; their names may lack the prefix of the table. */
export function findPlaces({ table, model }: DescribedModel, files: ModelFiles): Places {
  const { prefix } = table;
  const hasPrefix = [...files.names].some((name) => name.startsWith(prefix));
  const places = new Map<string, TensorName>();
  for (const name of namedParameters(model).keys()) {
    const place = placeOf(table, name)!;
    const { tensor } = place;
    const strip = !hasPrefix && tensor.startsWith(prefix);
    places.set(name, strip ? { ...place, tensor: tensor.slice(prefix.length) } : place);
  }
  return places;
}

/** Tensors that are missing, of a wrong shape or element type, or too many. */
export function fileProblems(
  { table, model }: DescribedModel,
  files: ModelFiles,
  places: Places,
): readonly string[] {
  const problems = new Set<string>();
  // A tied head has no parameter of its own; a file may hold its weight all the same.
  const known = new Set([HEAD.tensor]);
  for (const [name, { shape }] of namedParameters(model)) {
    const place = places.get(name)!;
    for (const { tensor } of tensorsOf(place, shape)) {
      known.add(tensor);
      const problem = tensorProblem(files, tensor, tensorShape(place, shape));
      if (problem !== undefined) problems.add(problem);
    }
  }
  for (const name of files.names) {
    if (!known.has(name) && !table.ignored.test(name)) {
      problems.add(`tensor "${name}" must be one of the model's, but it has no such tensor`);
    }
  }
  return [...problems];
}

function tensorProblem(files: ModelFiles, tensor: string, shape: readonly number[]): string | undefined {
  const entry = files.entry(tensor);
  if (entry === undefined) {
    return `tensor "${tensor}" ([${shape.join(", ")}]) must be in the files, but is missing`;
  }
  if (entry.shape.join() !== shape.join()) {
    return `tensor "${tensor}" ([${entry.shape.join(", ")}]) must have the shape that the config says ([${shape.join(", ")}])`;
  }
  if (isLoadable(entry.dtype, "float32")) return undefined;
  return `tensor "${tensor}" (${entry.dtype}) must hold F32, F16, BF16 or F64`;
}
