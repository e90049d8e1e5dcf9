/**
 * What the settings of a mixture-of-experts layer must satisfy.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { MoELayerOptions } from "./moe-layer-options.ts";

/**
 * Checks all that a router does not check.
 *
 * @throws ContractError that lists everything wrong.
 */
export function checkMoELayer(options: MoELayerOptions): void {
  const problems = [
    ...sizeProblems(options),
    ...balanceProblems(options),
    ...capacityProblems(options),
    ...expertChoiceProblems(options),
    ...parallelProblems(options),
  ];
  const where = `MoELayer ${options.name}`;
  if (problems.length === 1) throw new ContractError(`${where}: ${problems[0]!}`);
  if (problems.length > 1) throw new ContractError(`${where}:\n- ${problems.join("\n- ")}`);
}

function sizeProblems({ features, hidden, sharedExperts }: MoELayerOptions): string[] {
  const sizes = { features, hidden, ...(sharedExperts && { "sharedExperts.hidden": sharedExperts.hidden }) };
  return Object.entries(sizes)
    .filter(([, size]) => !isCount(size))
    .map(([name, size]) => `${name} (${size}) must be a positive integer; use for example 64.`);
}

function balanceProblems({ balance = {}, router }: MoELayerOptions): string[] {
  const problems = Object.entries(balance)
    .filter(
      ([, value]: [string, number | undefined]) => value !== undefined && !(value >= 0 && value < Infinity),
    )
    .map(
      ([name, value]: [string, number]) =>
        `balance.${name} (${value}) must be at least 0 and finite; use for example ${name}: ${name === "biasRate" ? 0.001 : 0.01}.`,
    );
  if ((balance.biasRate ?? 0) > 0 && router?.forceBalance === true) {
    problems.push(
      `balance.biasRate (${balance.biasRate!}) must be left out with router.forceBalance (true), which ignores the bias.`,
    );
  }
  return problems;
}

function capacityProblems({ capacity, dispatcher }: MoELayerOptions): string[] {
  if (capacity === undefined) return [];
  const { factor, minimum = 1, pad = false, scope = "global" } = capacity;
  const problems: string[] = [];
  if (!(factor > 0 && factor < Infinity)) {
    problems.push(
      `capacity.factor (${factor}) must be positive and finite; use 1 for an even share, or leave capacity out to drop nothing.`,
    );
  }
  if (!isCount(minimum)) {
    problems.push(
      `capacity.minimum (${minimum}) must be an integer of at least 1, because an expert of capacity 0 learns nothing; use 1.`,
    );
  }
  if (pad && scope !== "rank") {
    problems.push(
      `capacity.pad (true) must be used with capacity.scope ("${scope}") "rank", because every rank pads to the capacity of its own tokens; use scope: "rank", or leave pad out.`,
    );
  }
  if (pad && dispatcher === "all-gather") {
    problems.push(
      `capacity.pad (true) must be left out with dispatcher ("all-gather"), which sends no rows to experts; use dispatcher: "all-to-all".`,
    );
  }
  return problems;
}

/** Settings that have nothing to do where experts choose. */
function expertChoiceProblems({
  expertChoice,
  capacity,
  balance = {},
  router = {},
}: MoELayerOptions): string[] {
  if (expertChoice !== true) return [];
  const { scoreFunction, order, renormalize, groups, forceBalance } = router;
  const useless = {
    ...{ capacity, "router.scoreFunction": scoreFunction, "router.order": order },
    ...{ "router.renormalize": renormalize, "router.groups": groups, "router.forceBalance": forceBalance },
    ...Object.fromEntries(Object.entries(balance).map(([name, value]) => [`balance.${name}`, value])),
  };
  return Object.entries(useless)
    .filter(([name, value]) => value !== undefined && name !== "balance.zLoss")
    .map(
      ([name, value]) =>
        `${name} (${JSON.stringify(value)}) must be left out with expertChoice (true), where scores are a softmax over all experts and every expert takes the same number of tokens; leave out one of the two.`,
    );
}

function parallelProblems({ parallel, dispatcher, numExperts }: MoELayerOptions): string[] {
  if (dispatcher !== undefined && parallel?.expertAxis === undefined) {
    return [
      `dispatcher ("${dispatcher}") must be left out without parallel.expertAxis, because all experts are on every rank.`,
    ];
  }
  if (parallel === undefined) return [];
  const { mesh, expertAxis, tensorAxis, dataAxes = [] } = parallel;
  const used = [expertAxis, tensorAxis, ...dataAxes].filter((axis) => axis !== undefined);
  const names = mesh.axisNames.map((axis) => `"${axis}"`).join(", ");
  const problems = used
    .filter((axis) => !mesh.axisNames.includes(axis))
    .map((axis) => `parallel axis ("${axis}") must be an axis of the mesh (${names}); use one of these.`);
  used
    .filter((axis, i) => used.indexOf(axis) !== i)
    .forEach((axis) => {
      problems.push(`parallel axis ("${axis}") must have one purpose; name it once.`);
    });
  if (used.length === 0) {
    problems.push(
      `parallel must name an expertAxis, a tensorAxis or dataAxes of the mesh (${names}); leave it out on one rank.`,
    );
  }
  if (expertAxis !== undefined && mesh.axisNames.includes(expertAxis)) {
    const ranks = mesh.sizeOf(expertAxis);
    if (isCount(numExperts) && numExperts % ranks !== 0) {
      problems.push(
        `numExperts (${numExperts}) must be a multiple of the ranks of expertAxis "${expertAxis}" (${ranks}); use ${Math.ceil(numExperts / ranks) * ranks} experts.`,
      );
    }
  }
  return problems;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
