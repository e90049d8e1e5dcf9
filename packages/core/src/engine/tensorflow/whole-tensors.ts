/**
 * Lets tfjs-node's kernels take what every kernel of tfjs takes: plain records of tensors.
 *
 * Many of its kernels (Mean, Softmax, Cast, ...) call public operations on their inputs, which want whole tensors, because
 * tfjs itself happens to hand those over. A kernel that is called with the records of another kernel's results fails.
 *
 * @packageDocumentation
 */
import {
  getKernelsForBackend,
  registerKernel,
  Tensor,
  unregisterKernel,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from "@tensorflow/tfjs";

/** Wraps every kernel that is registered for the backend. */
export function acceptPlainRecords(backendName: string): void {
  for (const config of getKernelsForBackend(backendName)) {
    unregisterKernel(config.kernelName, backendName);
    registerKernel({ ...config, kernelFunc: withWholeTensors(config.kernelFunc) });
  }
}

function withWholeTensors(stock: KernelFunc): KernelFunc {
  return (params) => stock({ ...params, inputs: wholeInputs(params.inputs) });
}

/** Some kernels (Concat, Pack) take a list of inputs where others take names, and optional ones may be undefined. */
function wholeInputs(inputs: NamedTensorInfoMap): NamedTensorInfoMap {
  const whole: TensorInfo[] | NamedTensorInfoMap = Array.isArray(inputs) ? [] : {};
  for (const [name, info] of Object.entries<TensorInfo | TensorInfo[] | undefined>(inputs)) {
    Reflect.set(whole, name, Array.isArray(info) ? info.map(wholeTensor) : info && wholeTensor(info));
  }
  return whole as NamedTensorInfoMap;
}

/** Another face of the same data, which no scope knows of; it owns nothing and is not disposed. */
function wholeTensor(info: TensorInfo): TensorInfo {
  return info instanceof Tensor ? info : new Tensor(info.shape, info.dtype, info.dataId, NO_ID);
}

/** Tensors that tfjs counts have ids from 0. */
const NO_ID = -1;
