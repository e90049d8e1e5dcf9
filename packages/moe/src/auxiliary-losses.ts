/**
 * The auxiliary losses of a layer, together.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { stack, tensor1d, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { importanceLoss, sequenceSwitchLoss, switchLoss, zLoss } from "./balance-losses.ts";
import type { Routing } from "./choose-experts.ts";
import type { Offer } from "./expert-choice.ts";
import type { BalanceOptions } from "./moe-layer-options.ts";

/** The losses that a layer may have. */
export type AuxiliaryLossName = Exclude<keyof BalanceOptions, "biasRate">;

/** Values of a layer's losses, coefficients included. */
export type AuxiliaryLosses = Readonly<Partial<Record<AuxiliaryLossName, number>>>;

/** What the losses are made of. */
export interface LossInputs {
  readonly where: string;
  readonly routing: Routing | Offer;
  /** Shape of the layer's input. */
  readonly inputShape: readonly number[];
  /** Choices per expert of this call over all ranks, if they are known already. */
  readonly counts: ArrayLike<number> | undefined;
  /** The same of all micro-batches of the step so far, for `globalLoss`. */
  readonly stepCounts: ArrayLike<number> | undefined;
}

/** The losses with a coefficient above 0, by name; scalars that the caller's scope owns. */
export function auxiliaryLosses(
  balance: BalanceOptions,
  { where, routing, inputShape, counts, stepCounts }: LossInputs,
): ReadonlyMap<AuxiliaryLossName, Scalar> {
  const countsOf = (values: ArrayLike<number> | undefined): { counts?: Tensor } =>
    values === undefined ? {} : { counts: tensor1d(Float32Array.from(values)) };
  const all: Readonly<Record<AuxiliaryLossName, (coefficient: number) => Scalar>> = {
    loss: (coefficient) => switchLoss(routing, { coefficient, ...countsOf(counts) }),
    globalLoss: (coefficient) => switchLoss(routing, { coefficient, ...countsOf(stepCounts) }),
    sequenceLoss: (coefficient) =>
      sequenceSwitchLoss(routing, { coefficient, sequences: sequencesOf(where, inputShape) }),
    zLoss: (coefficient) => zLoss(routing.logits, { coefficient }),
    importanceLoss: (coefficient) => importanceLoss(routing, { coefficient }),
  };
  const losses = new Map<AuxiliaryLossName, Scalar>();
  for (const name of Object.keys(all) as AuxiliaryLossName[]) {
    const coefficient = balance[name] ?? 0;
    if (coefficient > 0) losses.set(name, all[name](coefficient));
  }
  return losses;
}

/** The same losses as one vector, in the order of the map; the caller's scope owns it. */
export function stackLosses(losses: ReadonlyMap<AuxiliaryLossName, Scalar>): Tensor {
  return stack([...losses.values()]);
}

/** Their values by name, on every rank. Where they are partial sums, one all-reduce of 4 bytes for each. */
export function readLosses(losses: ReadonlyMap<AuxiliaryLossName, Scalar>, stacked: Tensor): AuxiliaryLosses {
  const values = stacked.dataSync<"float32">();
  return Object.fromEntries([...losses.keys()].map((name, i) => [name, values[i]!]));
}

function sequencesOf(where: string, shape: readonly number[]): number {
  if (shape.length === 3) return shape[0]!;
  throw new ContractError(
    `${where}: the input (shape [${shape.join(", ")}]) must be [sequences, positions, features] with balance.sequenceLoss; use x.reshape([sequences, -1, ${shape.at(-1)!}]), or balance.loss.`,
  );
}
