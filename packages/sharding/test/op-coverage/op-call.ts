/**
 * What the coverage table is measured with: calls of tfjs operations on small tensors.
 *
 * @packageDocumentation
 */
import type { EngineName } from "@meshwright/core";
import { engine, type DataType, type Tensor } from "@tensorflow/tfjs";
import { seededRandom } from "../../src/rules/dense-value.ts";

/** One whole input. */
export interface OpInput {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly values: readonly (number | string)[];
}

/** One call of an operation. */
export interface OpCall {
  /** The kernel that the call is about; it must run in the forward pass. */
  readonly kernel: string;
  /** What tells the call apart from others of the same kernel. */
  readonly variant?: string;
  /** The only engine that has the kernel; default: all have it. */
  readonly onlyOn?: EngineName;
  readonly inputs: readonly OpInput[];
  readonly run: (inputs: readonly Tensor[]) => Tensor | readonly Tensor[];
}

/** Floats from a range, the same in every process; `seed` tells inputs of one call apart. */
export function floats(
  shape: readonly number[],
  [from, to]: readonly [number, number] = [-1.5, 1.5],
  seed = 1,
): OpInput {
  const random = seededRandom(seed * 1000 + shape.length);
  const values = Array.from({ length: sizeOf(shape) }, () => from + (to - from) * random());
  return { shape, dtype: "float32", values };
}

/** Integers from 0 up to, but not including, `below`. */
export function ints(shape: readonly number[], below: number, seed = 1): OpInput {
  const random = seededRandom(seed * 1000 + below);
  const values = Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * below));
  return { shape, dtype: "int32", values };
}

/** Bools. */
export function bools(shape: readonly number[], seed = 1): OpInput {
  return { ...ints(shape, 2, seed), dtype: "bool" };
}

/** Given values. */
export function given(
  shape: readonly number[],
  dtype: DataType,
  values: readonly (number | string)[],
): OpInput {
  return { shape, dtype, values };
}

/** A kernel called by its name: for those that no function of tfjs calls. */
export function runKernel(
  kernel: string,
  inputs: Readonly<Record<string, Tensor>>,
  attrs: Readonly<Record<string, unknown>> = {},
): Tensor | Tensor[] {
  const result: Tensor | Tensor[] = engine().runKernel(kernel, { ...inputs }, {
    ...attrs,
  } as Parameters<ReturnType<typeof engine>["runKernel"]>[2]);
  return result;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
