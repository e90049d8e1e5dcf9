/**
 * Reads the attributes of a kernel call as rules need them.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { util } from "@tensorflow/tfjs";
import type { InputSpec, KernelCall } from "./rule.ts";

/** The input at `index`. @throws ContractError if the call has fewer. */
export function inputAt(call: KernelCall, index: number): InputSpec {
  const input = call.inputs[index];
  if (input === undefined) {
    throw new ContractError(
      `${call.kernel}: inputs (${call.inputs.length}) must be at least ${index + 1}; use the inputs that tfjs documents for the kernel.`,
    );
  }
  return input;
}

/** The input called `name`, if the call has it, and where it stands. */
export function findInput(call: KernelCall, name: string): { index: number; spec: InputSpec } | undefined {
  const index = call.inputs.findIndex((input) => input.name === name);
  return index < 0 ? undefined : { index, spec: call.inputs[index]! };
}

/** An integer attribute. @throws ContractError if it is none and has no `fallback`. */
export function integerAttr(call: KernelCall, name: string, fallback?: number): number {
  const value = call.attrs[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongAttr(call, name, "an integer");
  return value;
}

/** A list of numbers; a single number counts as a list of one, an absent list is empty. */
export function numbersAttr(call: KernelCall, name: string): readonly number[] {
  const value = call.attrs[name];
  if (value === undefined || value === null) return [];
  if (typeof value === "number") return [value];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "number")) {
    throw wrongAttr(call, name, "a number or a list of numbers");
  }
  return value;
}

/** A dim attribute, counted from the front. */
export function dimAttr(call: KernelCall, name: string, ndim: number, fallback?: number): number {
  const dim = integerAttr(call, name, fallback);
  const normalised = dim < 0 ? dim + ndim : dim;
  if (normalised < 0 || normalised >= ndim) throw wrongAttr(call, name, `a dim of ${ndim}`);
  return normalised;
}

/** Dims to reduce over, counted from the front; absent means all of them. */
export function dimsAttr(call: KernelCall, name: string, shape: readonly number[]): readonly number[] {
  const value = call.attrs[name];
  const dims = value === undefined || value === null ? shape.map((_, dim) => dim) : numbersAttr(call, name);
  return util.parseAxisParam([...dims], [...shape]);
}

function wrongAttr(call: KernelCall, name: string, rule: string): ContractError {
  return new ContractError(
    `${call.kernel}: attribute "${name}" (${JSON.stringify(call.attrs[name])}) must be ${rule}; use the attributes that tfjs documents for the kernel.`,
  );
}
