/**
 * Shape and dtype checks that the kernels' differentiable functions make before they run.
 *
 * @packageDocumentation
 */
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";

/**
 * Checks one input.
 *
 * @throws ContractError if `tensor` has another shape or dtype.
 */
export function requireShape(
  what: string,
  tensor: TensorInfo,
  expected: { readonly shape: readonly number[]; readonly dtype?: DataType; readonly because: string },
): void {
  const { shape, dtype = "float32", because } = expected;
  if (tensor.shape.join() !== shape.join()) {
    throw new ContractError(
      `${what} (shape [${tensor.shape.join(", ")}]) must have shape [${shape.join(", ")}], ${because}; use matching sizes.`,
    );
  }
  requireDtype(what, tensor, dtype);
}

/**
 * Checks an input's dtype.
 *
 * @throws ContractError if `tensor` has another dtype.
 */
export function requireDtype(what: string, tensor: TensorInfo, dtype: DataType): void {
  if (tensor.dtype !== dtype) {
    throw new ContractError(`${what} (${tensor.dtype}) must be ${dtype}; use tf.cast(t, "${dtype}").`);
  }
}

/**
 * The size of the last dim.
 *
 * @throws ContractError if `tensor` is a scalar or not float32.
 */
export function lastDim(what: string, tensor: TensorInfo): number {
  const size = tensor.shape.at(-1);
  if (size === undefined) {
    throw new ContractError(`${what} (shape []) must have at least one dim; use a tensor of shape [..., D].`);
  }
  requireDtype(what, tensor, "float32");
  return size;
}
