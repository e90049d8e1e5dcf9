/**
 * Checks what a kernel's gradient function returns.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { TapeNode } from "./tape-node.ts";

/**
 * Checks the gradient of one input of a kernel.
 *
 * @throws ContractError unless it is float32 and of the input's shape.
 */
export function requireLike({ kernelName, inputs }: TapeNode, name: string, gradient: Tensor): void {
  const { shape } = inputs[name]!;
  if (gradient.dtype === "float32" && sameShape(gradient.shape, shape)) return;
  throw new ContractError(
    `Pullback: the gradient of ${kernelName} for input "${name}" (${gradient.dtype}[${gradient.shape.join(", ")}]) must be float32[${shape.join(", ")}], like the input; use a gradient function that returns that.`,
  );
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let dim = 0; dim < a.length; dim++) if (a[dim] !== b[dim]) return false;
  return true;
}
