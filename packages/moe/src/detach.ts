/**
 * A tensor's value without its history.
 *
 * @packageDocumentation
 */
import { backend, engine, type Tensor } from "@tensorflow/tfjs";

/**
 * The same value, cut off from the gradient: shares the data of `x`, copies nothing, communicates nothing.
 *
 * tfjs has no gradient of top-k, and fails on a top-k between a variable and the loss. Routing decides on detached
 * scores, and reads the weights of what it chose from the differentiable ones.
 *
 * @returns a new tensor of the shape, dtype and placements of `x`; the caller's scope owns it
 */
export function detach<T extends Tensor>(x: T): T {
  backend().incRef(x.dataId);
  return engine().makeTensorFromTensorInfo({ dataId: x.dataId, shape: x.shape, dtype: x.dtype }) as T;
}
