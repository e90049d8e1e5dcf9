/**
 * Parameters that are one and the same for the model, but lie on several stages.
 *
 * A pair of tied parameters starts with equal values and gets equal gradients, the sum of both sides, so any optimizer
 * whose update depends on nothing else keeps them equal.
 *
 * @packageDocumentation
 */
import type { Parameter } from "@meshwright/core";
import type { Stage } from "../stage.ts";
import { throwProblems } from "../problems.ts";

/** Parameters with one value. */
export interface Tie {
  /** In the order of the model; initial values are drawn under the first. */
  readonly names: readonly string[];
  /** Positions on the pipeline axis of the ranks that hold one of them, ascending. */
  readonly positions: readonly number[];
}

/** Where parameters live: `stages[i]` is on the rank at `positionOf[i]`. */
export interface StagePositions {
  readonly stages: readonly Stage[];
  readonly positionOf: readonly number[];
}

/**
 * The ties that `pairs` name, and those of parameters that stages of several ranks share. Pure.
 *
 * @throws ContractError that lists names that do not exist, and pairs that differ in shape, part on the rank, or
 *   initializer.
 */
export function findTies(
  { stages, positionOf }: StagePositions,
  pairs: readonly (readonly [string, string])[],
): Tie[] {
  const parameters = new Map(stages.flatMap((stage) => [...stage.parameters]));
  throwProblems(
    "createPipeline",
    pairs.flatMap((pair) => pairProblems(pair, parameters)),
  );
  const rootOf = new Map([...parameters.keys()].map((name) => [name, name]));
  for (const [first, second] of pairs) {
    const [kept, gone] = [rootOf.get(first)!, rootOf.get(second)!];
    for (const [name, root] of rootOf) if (root === gone) rootOf.set(name, kept);
  }
  const ties = [...new Set(rootOf.values())].map((root) => {
    const names = [...parameters.keys()].filter((name) => rootOf.get(name) === root);
    const positions = new Set<number>();
    stages.forEach((stage, i) => {
      if (names.some((name) => stage.parameters.has(name))) positions.add(positionOf[i]!);
    });
    return { names, positions: [...positions].sort((a, b) => a - b) };
  });
  return ties.filter(({ names, positions }) => names.length > 1 || positions.length > 1);
}

function pairProblems(
  [first, second]: readonly [string, string],
  parameters: ReadonlyMap<string, Parameter>,
): string[] {
  const [a, b] = [parameters.get(first), parameters.get(second)];
  const missing = [first, second].filter((name) => !parameters.has(name));
  if (a === undefined || b === undefined) {
    return missing.map(
      (name) => `tied ("${name}") must be the name of a parameter; use a dotted name of the layers.`,
    );
  }
  const [left, right] = [describe(a), describe(b)];
  if (left === right) return [];
  return [
    `tied ("${first}": ${left}) must be like "${second}" (${right}); use equal shapes, placements and initializers.`,
  ];
}

function describe({ shape, shard, initializer }: Parameter): string {
  const part = shard === undefined ? "" : `, part [${shard.localShape.join(", ")}]`;
  return `[${shape.join(", ")}]${part}, ${JSON.stringify(initializer)}`;
}
