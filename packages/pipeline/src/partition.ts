/**
 * Cuts a list of layers into stages.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { balance } from "./balance.ts";

/** How to cut. */
export interface PartitionOptions {
  /** p * v. */
  readonly numStages: number;
  /** One per layer, in any unit: see `parameterCosts` and `measureLayerTimes`. Default: all equal. */
  readonly costs?: readonly number[];
}

/**
 * `stages[i]`: consecutive layers, at least one each, such that the most expensive stage is as cheap as possible, and
 * the others as equal as that allows.
 *
 * @example
 * ```ts
 * partition(["a", "b", "c", "d", "e"], { numStages: 2, costs: [1, 1, 1, 1, 6] }); // [["a", "b", "c", "d"], ["e"]]
 * ```
 * @throws ContractError if there are more stages than layers, or the costs are not one finite number of at least 0 per
 *   layer.
 */
export function partition<Layer>(
  layers: readonly Layer[],
  { numStages, costs = layers.map(() => 1) }: PartitionOptions,
): readonly (readonly Layer[])[] {
  if (!Number.isInteger(numStages) || numStages < 1) {
    throw new ContractError(
      `partition: numStages (${numStages}) must be a positive integer; use ranks times chunks per rank.`,
    );
  }
  if (numStages > layers.length) {
    throw new ContractError(
      `partition: numStages (${numStages}) must be at most the number of layers (${layers.length}); use fewer ranks or chunks per rank, or cut the model into more layers.`,
    );
  }
  if (costs.length !== layers.length) {
    throw new ContractError(
      `partition: costs (${costs.length} values) must have one per layer (${layers.length}); use parameterCosts(layers) or measureLayerTimes(layers, ...).`,
    );
  }
  let end = 0;
  return balance(costs, numStages).map((size) => layers.slice(end, (end += size)));
}
