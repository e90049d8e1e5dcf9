/**
 * Fills a model's parameters with their initial values.
 *
 * @packageDocumentation
 */
import { tensor } from "@tensorflow/tfjs";
import { fillNormal, fillUniform } from "../random/fill.ts";
import { elementCount, wholeRegion, type Region } from "../random/region.ts";
import { namedParameters } from "./module.ts";
import type { Initializer, Parameter } from "./parameter.ts";

/** Options of {@link initialize}. */
export interface InitializeOptions {
  readonly seed: number;
  /** Which parameters to fill, by dotted name; the others stay without values. Default: all. */
  readonly only?: (name: string, parameter: Parameter) => boolean;
}

/**
 * Gives every parameter below `model` that has no values yet its initial ones, drawn from
 * (seed, dotted name, global index).
 *
 * They do not depend on the mesh: a rank computes and allocates only its own part of a split parameter, and that part
 * equals the slice of the whole, bit for bit. No communication.
 *
 * @example
 * ```ts
 * const model = new GPT({ vocabSize: 65, contextLength: 32, features: 48, heads: 4, layers: 2 });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if the seed is not an integer in `[0, 2^53)`.
 */
export function initialize(model: object, { seed, only }: InitializeOptions): void {
  for (const [name, parameter] of namedParameters(model)) {
    if (parameter.isInitialized || only?.(name, parameter) === false) continue;
    initializeParameter(parameter, { seed, name });
  }
}

function initializeParameter(
  parameter: Parameter,
  stream: { readonly seed: number; readonly name: string },
): void {
  const { shape, shard, initializer } = parameter;
  const region =
    shard === undefined
      ? wholeRegion(shape)
      : { globalShape: shape, localShape: shard.localShape, offset: shard.offset };
  const values = initialValues(initializer, { ...stream, ...region });
  parameter.assign(shard === undefined ? tensor(values, [...shape], "float32") : shard.fromLocal(values));
}

/** The values of one region of a parameter. */
function initialValues(
  initializer: Initializer,
  where: Region & { readonly seed: number; readonly name: string },
): Float32Array {
  const values = new Float32Array(elementCount(where.localShape));
  switch (initializer.kind) {
    case "zeros":
      break;
    case "ones":
      values.fill(1);
      break;
    case "normal":
      fillNormal(values, { ...where, std: initializer.std });
      break;
    case "uniform":
      fillUniform(values, { ...where, bound: initializer.bound });
      break;
  }
  return values;
}
