/**
 * Parameter groups: which parameters get other settings than the rest.
 *
 * @packageDocumentation
 */
import type { Parameter } from "../nn/parameter.ts";
import { ContractError } from "../errors.ts";

/** Settings for the parameters that `match`. What is left out is the optimizer's own. */
export interface ParameterGroup {
  readonly match: (name: string, parameter: Parameter) => boolean;
  readonly weightDecay?: number;
  /** Multiplies the optimizer's learning rate. Default 1. */
  readonly learningRateScale?: number;
}

/** What an optimizer uses for one parameter. */
export interface ParameterSettings {
  readonly weightDecay: number;
  readonly learningRateScale: number;
}

/**
 * The customary group: no weight decay for parameters of fewer than two dims, that is biases and norm gains.
 *
 * @example
 * ```ts
 * new AdamW(namedParameters(model), { learningRate: 1e-3, weightDecay: 0.1, groups: [noDecayForVectors] });
 * ```
 */
export const noDecayForVectors: ParameterGroup = {
  match: (_name, parameter) => parameter.shape.length < 2,
  weightDecay: 0,
};

/**
 * The settings of every parameter: those of the first group that matches it, else the defaults.
 *
 * @throws ContractError if a group matches no parameter.
 */
export function resolveGroups(
  where: string,
  parameters: ReadonlyMap<string, Parameter>,
  options: { readonly groups: readonly ParameterGroup[]; readonly weightDecay: number },
): ReadonlyMap<string, ParameterSettings> {
  const unused = new Set(options.groups);
  const settings = new Map<string, ParameterSettings>();
  for (const [name, parameter] of parameters) {
    const matching = options.groups.filter((group) => group.match(name, parameter));
    for (const group of matching) unused.delete(group);
    const { weightDecay = options.weightDecay, learningRateScale = 1 } = matching[0] ?? {};
    settings.set(name, { weightDecay, learningRateScale });
  }
  for (const group of unused) {
    throw new ContractError(
      `${where}: groups[${options.groups.indexOf(group)}] must match at least one of the ${parameters.size} parameters (${[...parameters.keys()].slice(0, 3).join(", ")}, ...); use a predicate that fits their names, or leave the group out.`,
    );
  }
  return settings;
}

/**
 * Checks that every gradient belongs to a parameter.
 *
 * @throws ContractError that lists the names which do not.
 */
export function requireKnownNames(
  where: string,
  grads: ReadonlyMap<string, unknown>,
  parameters: ReadonlyMap<string, unknown>,
): void {
  const unknown = [...grads.keys()].filter((name) => !parameters.has(name));
  if (unknown.length > 0) {
    throw new ContractError(
      `${where}: grads (${unknown.join(", ")}) must be named as the optimizer's parameters; use gradients(model, ...) of the same model.`,
    );
  }
}
