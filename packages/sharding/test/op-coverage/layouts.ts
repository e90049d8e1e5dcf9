/**
 * The ways in which the inputs of a call are laid out on one axis.
 *
 * @packageDocumentation
 */
import { Partial, Replicate, Shard, type Placement } from "@meshwright/sharding";
import type { OpInput } from "./op-call.ts";

/**
 * Every input split along each of its dims, or partial, the others whole; and all of them split along their first dim.
 * Strings stay whole.
 */
export function layoutsOf(inputs: readonly OpInput[]): Placement[][] {
  const whole = inputs.map(() => Replicate());
  const single = inputs.flatMap((input, i) =>
    placementsOf(input).map((placement) => whole.with(i, placement)),
  );
  const together = inputs.map((input) =>
    input.shape.length > 0 && input.dtype !== "string" ? Shard(0) : Replicate(),
  );
  return [whole, ...single, ...(inputs.length > 1 ? [together] : [])];
}

function placementsOf({ shape, dtype }: OpInput): Placement[] {
  if (dtype === "string") return [];
  const splits = shape.map((_, dim) => Shard(dim));
  return dtype === "float32" ? [...splits, Partial("sum")] : splits;
}
