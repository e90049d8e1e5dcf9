/**
 * The plan of data parallelism.
 *
 * @packageDocumentation
 */
import { Replicate, type Placement } from "../placement.ts";

/**
 * Every parameter whole on every rank; the batch is what is split: `shard(batch, mesh, { dp: Shard(0) })`.
 *
 * Communication per step: one all-reduce of every gradient along the batch's axis.
 *
 * @example
 * ```ts
 * parallelize(model, { mesh, plan: dataParallelPlan() });
 * model.apply(shard(tokens, mesh, { dp: Shard(0) }));
 * ```
 */
export function dataParallelPlan(): Readonly<Record<"**", Placement>> {
  return { "**": Replicate() };
}
