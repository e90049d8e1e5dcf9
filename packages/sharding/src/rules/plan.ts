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
import { latencyBytes } from "../mesh-costs.ts";
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
    const priced = priceStrategies(rule, call, { inputs, outputs }, axis, mesh);
    const best = priced.reduce((cheapest, next) => (next.cost < cheapest.cost ? next : cheapest)).strategy;
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

/** A strategy and what it would cost along one axis: bytes that a rank sends, collectives counted as bytes too. */
export interface PricedStrategy {
  readonly strategy: AxisStrategy;
  /** `Infinity` where the strategy cannot be had. */
  readonly cost: number;
}

/** Everything replicated, then all strategies of the rule, for `axis`, with the other axes as in `placed`. */
export function priceStrategies(
  rule: Rule,
  call: KernelCall,
  placed: Decision,
  axis: number,
  mesh: MeshGeometry,
): PricedStrategy[] {
  const context = axisContext(placed.inputs, axis, mesh);
  const latency = latencyBytes(mesh, axis);
  const replicated: AxisStrategy = {
    inputs: call.inputs.map(() => Replicate()),
    outputs: placed.outputs.map(() => Replicate()),
  };
  return [replicated, ...rule.strategies(call, context)].map((strategy) => {
    const isPossible = !mixesPartials(strategy, placed.outputs);
    const cost = isPossible
      ? strategyCost(call, placed.inputs, axis, { context, latency }, strategy)
      : Infinity;
    return { strategy, cost };
  });
}

/**
 * Whether an output would become partial in another way than it is along the axes before. A sum of maxima is not a
 * maximum of sums, so such a value would depend on which axis is reduced first.
 */
export function mixesPartials(strategy: AxisStrategy, outputs: readonly (readonly Placement[])[]): boolean {
  return strategy.outputs.some(
    (placement, i) =>
      placement.kind === "partial" &&
      outputs[i]!.some((other) => other.kind === "partial" && other.op !== placement.op),
  );
}

/** Copies locally; it must only lose against doing nothing. */
const MAKE_PARTIAL_COST = 1;

/** What the local step itself costs. On an axis of one rank its collectives move nothing. */
function localCost(
  { localBytes, localCollectives = 1 }: AxisStrategy,
  numRanks: number,
  latency: number,
): number {
  // A step that has nothing to send makes no collective.
  if (localBytes === undefined || localBytes === 0 || numRanks === 1) return 0;
  return localBytes + localCollectives * latency;
}

function strategyCost(
  call: KernelCall,
  inputs: readonly (readonly Placement[])[],
  axis: number,
  { context, latency }: { readonly context: AxisContext; readonly latency: number },
  strategy: AxisStrategy,
): number {
  let cost = localCost(strategy, context.size, latency);
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
    cost += implicitMoveCost(current, wanted, bytes, { numRanks: context.size, latency });
  });
  return cost;
}
