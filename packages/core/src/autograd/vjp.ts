/**
 * The vector-Jacobian product: a forward pass whose backward pass can be made at any later time.
 *
 * @packageDocumentation
 */
import { Tensor, type Variable } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { Parameter } from "../nn/parameter.ts";
import { firstNewId, inScope, recordOn } from "./engine-tape.ts";
import { Pullback, refuseRecording } from "./pullback.ts";
import { ReverseWalk } from "./reverse-walk.ts";
import { carriesGradient, type TapeNode } from "./tape-node.ts";

/** Options of {@link vjp}. */
export interface VjpOptions {
  /** What to differentiate by besides the inputs: by name, as `namedParameters` gives them, or variables by their own names. */
  readonly parameters?: ReadonlyMap<string, Parameter> | readonly Variable[];
}

/** Result of {@link vjp}. */
export interface Vjp<Value extends Tensor> {
  /** What `f` returned. A new tensor, even if `f` returned an input; the caller's scope owns it. */
  readonly value: Value;
  /** The backward pass. The caller uses it once, or disposes it. */
  readonly pullback: Pullback;
}

/**
 * Runs `f(...inputs)` once, recording its kernels on a tape of its own, and returns the value and the backward pass.
 *
 * Any number may be in flight at once, on any backend; pullbacks come in any order. A pullback is independent of what
 * happens to inputs, value and parameters after the forward pass: they may be disposed or assigned.
 *
 * | what                     | gradient                                                             |
 * | ------------------------ | -------------------------------------------------------------------- |
 * | a float input            | that of its own argument, even if one tensor is passed twice         |
 * | an integer input         | none                                                                 |
 * | a parameter              | by name; none (no entry) if the value does not depend on it          |
 * | any other tensor         | none                                                                 |
 *
 * Kernels whose result no gradient needs save nothing: their saved tensors are freed before `vjp` returns.
 *
 * @example
 * ```ts
 * const parameters = namedParameters(stage);
 * const { value, pullback } = vjp((x: Tensor) => stage.apply(x), [activation], { parameters });
 * // ... other micro-batches ...
 * const [dx] = pullback.inputs(dy); // to the stage before
 * const gradients = pullback.parameters(); // when there is time
 * ```
 * @throws ContractError if `f` does not return a float32 tensor, if a kernel on the way has no gradient, if an input is
 * disposed, if a parameter is listed twice or has no values, or where another tape records.
 * @see Qi et al. 2024, "Zero bubble pipeline parallelism", section 2, https://arxiv.org/abs/2401.10241
 */
export function vjp<Inputs extends readonly Tensor[], Value extends Tensor>(
  f: (...inputs: Inputs) => Value,
  inputs: readonly [...Inputs],
  { parameters = [] }: VjpOptions = {},
): Vjp<Value> {
  refuseRecording("vjp");
  requireAlive(inputs);
  const named = namedVariables(parameters);
  const recorded = record(f, inputs);
  const first = recorded.args.filter(carriesGradient);
  const inputLeaves = recorded.args.map((arg) => (carriesGradient(arg) ? first.indexOf(arg) : undefined));
  let walk: ReverseWalk;
  try {
    walk = new ReverseWalk(recorded.tape, { first, second: [...named.values()], output: recorded.output });
  } catch (error) {
    recorded.value.dispose();
    throw error;
  }
  const { value } = recorded;
  const parameterNames = [...named.keys()];
  return { value, pullback: new Pullback({ walk, value, inputLeaves, parameterNames }) };
}

interface Recorded<Value> {
  readonly tape: readonly TapeNode[];
  /** What `f` was called with: a handle of its own per float input. */
  readonly args: readonly Tensor[];
  /** What `f` returned. */
  readonly output: Tensor;
  readonly value: Value;
}

function record<Inputs extends readonly Tensor[], Value extends Tensor>(
  f: (...inputs: Inputs) => Value,
  inputs: readonly [...Inputs],
): Recorded<Value> {
  const tape: TapeNode[] = [];
  const since = firstNewId();
  try {
    return inScope(
      () => {
        const args = inputs.map((input) => (carriesGradient(input) ? input.clone() : input));
        const output: unknown = recordOn(tape, () => f(...(args as readonly Tensor[] as Inputs)));
        requireFloats(output);
        const isNew = output.id >= since && !args.includes(output);
        return { tape, args, output, value: (isNew ? output : output.clone()) as Value };
      },
      ({ value }) => value,
    );
  } catch (error) {
    for (const { saved } of tape) for (const tensor of saved) tensor.dispose();
    throw error;
  }
}

function requireFloats(output: unknown): asserts output is Tensor {
  if (output instanceof Tensor && output.dtype === "float32") return;
  throw new ContractError(
    `vjp: the result of f (${describeResult(output)}) must be one float32 tensor, at once; use a function without await that returns the tensor to differentiate.`,
  );
}

function describeResult(output: unknown): string {
  if (output instanceof Promise) return "a promise";
  if (!(output instanceof Tensor)) return typeof output;
  const { dtype, shape } = output as Tensor;
  return `${dtype}[${shape.join(", ")}]`;
}

function requireAlive(inputs: readonly Tensor[]): void {
  inputs.forEach(({ isDisposed, shape }, i) => {
    if (!isDisposed) return;
    throw new ContractError(
      `vjp: input ${i} (shape [${shape.join(", ")}], disposed) must be alive; use tf.keep, or call vjp in the scope that made it.`,
    );
  });
}

/** The variables by name. */
function namedVariables(parameters: NonNullable<VjpOptions["parameters"]>): ReadonlyMap<string, Variable> {
  const named = new Map<string, Variable>();
  const nameOf = new Map<Variable, string>();
  const entries: readonly (readonly [string, Variable])[] = isList(parameters)
    ? parameters.map((variable) => [variable.name, variable])
    : [...parameters].map(([name, parameter]) => [name, parameter.variable]);
  for (const [name, variable] of entries) {
    const other = nameOf.get(variable);
    if (other !== undefined) {
      throw new ContractError(
        `vjp: parameter ("${name}") must be listed once, but is also "${other}"; use namedParameters, which names a shared parameter once.`,
      );
    }
    nameOf.set(variable, name);
    named.set(name, variable);
  }
  return named;
}

function isList(parameters: NonNullable<VjpOptions["parameters"]>): parameters is readonly Variable[] {
  return Array.isArray(parameters);
}
