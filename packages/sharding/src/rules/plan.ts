/**
 * Chooses how a kernel call runs: one strategy of its rule per mesh axis, by what moving the inputs would cost.
 *
 * Pure: every rank computes the same decision from global shapes and placements alone.
 *
 * @packageDocumentation
 */
import { util } from "@tensorflow/tfjs";
import type { MeshGeometry } from "../mesh.ts";
import { Replicate, samePlacement, type Placement } from "../placement.ts";
import { implicitMoveCost } from "../redistribute/cost.ts";
import { numElements } from "../layout.ts";
import type { AxisContext, AxisStrategy, KernelCall, Rule } from "./rule.ts";

/** Placements per input and output, one per mesh axis. */
export interface Decision {
  readonly inputs: readonly (readonly Placement[])[];
  readonly outputs: readonly (readonly Placement[])[];
}

/**
 * Decides axis by axis, in mesh order, each time with what is already decided.
 *
 * The cheapest strategy wins; among equals the first, and "everything replicated" comes first of all. A value that is
 * already replicated is therefore never split on its own account, and a `Partial` is reduced once, to `Replicate`.
 */
export function decide(
  rule: Rule,
  call: KernelCall,
  arriving: readonly (readonly Placement[])[],
  mesh: MeshGeometry,
): Decision {
  const inputs = arriving.map((placements) => [...placements]);
  const numOutputs = rule.outputs(call).length;
  const outputs = Array.from({ length: numOutputs }, () => mesh.shape.map(() => Replicate()));
  mesh.shape.forEach((_, axis) => {
    const best = cheapest(call, inputs, axis, axisContext(inputs, axis, mesh), rule, numOutputs);
    best.inputs.forEach((placement, i) => {
      inputs[i]![axis] = placement;
    });
    best.outputs.forEach((placement, i) => {
      outputs[i]![axis] = placement;
    });
  });
  return { inputs, outputs };
}

/** What strategies for `axis` may know when the inputs lie as given on the other axes. */
export function axisContext(
  inputs: readonly (readonly Placement[])[],
  axis: number,
  mesh: MeshGeometry,
): AxisContext {
  return {
    size: mesh.shape[axis]!,
    piecesByOthers: (input, dim) =>
      inputs[input]!.reduce(
        (pieces, placement, other) =>
          other !== axis && placement.kind === "shard" && placement.dim === dim
            ? pieces * mesh.shape[other]!
            : pieces,
        1,
      ),
  };
}

function cheapest(
  call: KernelCall,
  inputs: readonly (readonly Placement[])[],
  axis: number,
  context: AxisContext,
  rule: Rule,
  numOutputs: number,
): AxisStrategy {
  const replicated: AxisStrategy = {
    inputs: call.inputs.map(() => Replicate()),
    outputs: Array.from({ length: numOutputs }, () => Replicate()),
  };
  let best = replicated;
  let bestCost = strategyCost(call, inputs, axis, context, replicated);
  for (const strategy of rule.strategies(call, context)) {
    const cost = strategyCost(call, inputs, axis, context, strategy);
    if (cost < bestCost) {
      best = strategy;
      bestCost = cost;
    }
  }
  return best;
}

/** Copies locally; it must only lose against doing nothing. */
const MAKE_PARTIAL_COST = 1;

function strategyCost(
  call: KernelCall,
  inputs: readonly (readonly Placement[])[],
  axis: number,
  context: AxisContext,
  strategy: AxisStrategy,
): number {
  let cost = 0;
  strategy.inputs.forEach((wanted, i) => {
    const current = inputs[i]![axis]!;
    if (samePlacement(current, wanted)) return;
    if (strategy.makesPartial === true && current.kind === "replicate") {
      cost += MAKE_PARTIAL_COST;
      return;
    }
    const spec = call.inputs[i]!;
    let pieces = 1;
    for (let dim = 0; dim < spec.shape.length; dim++) pieces *= context.piecesByOthers(i, dim);
    const bytes = (numElements(spec.shape) * util.bytesPerElement(spec.dtype)) / pieces;
    cost += implicitMoveCost(current, wanted, bytes, context.size);
  });
  return cost;
}
