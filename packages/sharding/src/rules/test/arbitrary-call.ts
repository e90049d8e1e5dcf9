/**
 * Random kernel calls, meshes and arriving placements for the property tests of the rules.
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import fc from "fast-check";
import { numElements } from "../../layout.ts";
import type { MeshGeometry } from "../../mesh.ts";
import {
  formatPlacement,
  Partial,
  Replicate,
  Shard,
  type PartialOp,
  type Placement,
} from "../../placement.ts";
import { seededRandom, type DenseValue } from "../dense-value.ts";
import { axisContext } from "../plan.ts";
import { builtinRules, createRuleTable } from "../registry.ts";
import type { KernelAttrs, Rule } from "../rule.ts";
import type { DenseCall } from "../simulate-ranks.ts";
import { verifyDecision, verifyRule } from "../verify-rule.ts";

/** An input of a call. */
export type DenseInput = DenseValue & { readonly name: string };

const table = createRuleTable(builtinRules());

/** The built-in rule of a kernel. */
export function ruleOf(kernel: string): Rule {
  const rule = table.lookup(kernel);
  if (rule === undefined) throw new Error(`no rule for ${kernel}`);
  return rule;
}

/** The cache key of a kernel's attributes. */
export function keyOf(kernel: string, attrs: KernelAttrs): string {
  return ruleOf(kernel).attrsKey?.(attrs) ?? JSON.stringify(attrs);
}

/** Meshes of 2 to 6 ranks with one or two axes; more ranks than some dims have elements. */
export const meshes: fc.Arbitrary<MeshGeometry> = fc
  .constantFrom([2], [3], [4], [2, 2], [2, 3])
  .map((shape) => ({ axisNames: ["dp", "tp"].slice(0, shape.length), shape }));

/** Sizes 1 to 5: size 1, uneven and empty shards all come up. */
export const size: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 4, 4, 5);

/** Shapes with a number of dims in a range. */
export function shapes(minNdim: number, maxNdim: number): fc.Arbitrary<number[]> {
  return fc.array(size, { minLength: minNdim, maxLength: maxNdim });
}

/** Random seeds. */
export const seeds: fc.Arbitrary<number> = fc.integer({ min: 0, max: 2 ** 31 });

/**
 * An input filled with quarters between -4 and 4 (integers, or bools, by type): sums of them are exact, so that only a
 * wrong element can make a difference.
 */
export function input(
  name: string,
  shape: readonly number[],
  seed: number,
  dtype: DataType = "float32",
): DenseInput {
  const random = seededRandom(seed + name.charCodeAt(0) * 7919 + name.length);
  const values = Array.from({ length: numElements(shape) }, () => {
    const draw = Math.floor(random() * 33) - 16;
    if (dtype === "bool") return draw > 0 ? 1 : 0;
    return dtype === "int32" ? Math.trunc(draw / 4) : draw / 4;
  });
  return { name, shape, dtype, values };
}

/** A call from its parts. */
export function call(kernel: string, inputs: readonly DenseInput[], attrs: KernelAttrs = {}): DenseCall {
  return { kernel, inputs, attrs };
}

/**
 * Checks random calls on random meshes: every combination of listed strategies, and the planner's choice for random
 * arriving placements.
 */
export function checkCalls(calls: fc.Arbitrary<DenseCall>, numRuns = 40): void {
  fc.assert(
    fc.property(calls, meshes, seeds, (dense, mesh, seed) => {
      const rule = ruleOf(dense.kernel);
      verifyRule(rule, dense, { mesh, seed });
      const random = seededRandom(seed);
      for (let round = 0; round < 3; round++) {
        const arriving = dense.inputs.map((spec) => arrivingPlacements(spec, mesh, random));
        verifyDecision(rule, dense, arriving, { mesh, seed });
      }
    }),
    { numRuns, seed: 20261 },
  );
}

function arrivingPlacements(spec: DenseValue, mesh: MeshGeometry, random: () => number): Placement[] {
  const ops: readonly PartialOp[] = spec.dtype === "bool" ? ["max", "min"] : ["sum", "sum", "max", "min"];
  const op = ops[Math.floor(random() * ops.length)]!;
  return mesh.shape.map(() => {
    const draw = random();
    if (draw < 0.25) return Partial(op);
    if (draw < 0.4 || spec.shape.length === 0) return Replicate();
    return Shard(Math.floor(random() * spec.shape.length));
  });
}

/** The strategies that the rule lists on an axis of `numRanks`, as text: `Shard(0), Replicate() -> Shard(0)`. */
export function listed(dense: DenseCall, numRanks = 2): string[] {
  const mesh = { axisNames: ["tp"], shape: [numRanks] };
  const context = axisContext(
    dense.inputs.map(() => [Replicate()]),
    0,
    mesh,
  );
  const format = (placements: readonly Placement[]): string => placements.map(formatPlacement).join(", ");
  return ruleOf(dense.kernel)
    .strategies(dense, context)
    .map((strategy) => `${format(strategy.inputs)} -> ${format(strategy.outputs)}`);
}
