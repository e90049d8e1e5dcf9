/**
 * Which blocks of a model have experts.
 *
 * ```text
 *   block                        0  1  2  3  4  5
 *   everyNth 1                   E  E  E  E  E  E    Mixtral
 *   everyNth 2                   .  E  .  E  .  E    GShard, Switch
 *   everyNth 1, firstDense 3     .  .  .  E  E  E    DeepSeek
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** Where the experts of a model are. */
export interface ExpertBlocks {
  /** The last of every n blocks has experts. Default 1: all have. */
  readonly everyNth?: number;
  /** This many blocks at the beginning have none, and are not counted. Default 0. */
  readonly firstDense?: number;
}

/**
 * The numbers of the blocks that have experts.
 *
 * @throws ContractError that lists everything wrong; also if no block would have experts.
 * @see Lepikhin et al. 2020, "GShard", section 2.1, https://arxiv.org/abs/2006.16668 (every other); DeepSeek-AI 2024,
 * "DeepSeek-V3", section 4.2, https://arxiv.org/abs/2412.19437 (the first three are dense)
 */
export function expertBlocks(
  where: string,
  { layers, everyNth = 1, firstDense = 0 }: ExpertBlocks & { readonly layers: number },
): readonly number[] {
  const problems: string[] = [];
  if (!Number.isInteger(everyNth) || everyNth < 1) {
    problems.push(`moe.everyNth (${everyNth}) must be a positive integer; use 1 for experts in every block.`);
  }
  if (!Number.isInteger(firstDense) || firstDense < 0) {
    problems.push(`moe.firstDense (${firstDense}) must be an integer of at least 0; use 0 for none.`);
  }
  if (problems.length > 0) throw new ContractError(`${where}:\n- ${problems.join("\n- ")}`);
  const blocks = Array.from({ length: layers }, (_, i) => i);
  const chosen = blocks.filter((i) => i >= firstDense && (i - firstDense) % everyNth === everyNth - 1);
  if (chosen.length > 0) return chosen;
  throw new ContractError(
    `${where}: moe.firstDense (${firstDense}) + moe.everyNth (${everyNth}) must be at most layers (${layers}), so that a block has experts; use smaller ones, or a model without experts.`,
  );
}
