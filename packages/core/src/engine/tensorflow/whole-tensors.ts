/**
 * Lets tfjs-node's kernels take and give what every kernel of tfjs does: plain records of tensors.
 *
 * Many of its kernels (Mean, Softmax, Cast, ...) call public operations on their inputs, which want whole tensors, because
 * tfjs itself happens to hand those over; a kernel that is called with another kernel's results fails. And they return
 * whole tensors, which tfjs counts and tidies as the user's own even where they are the parts of another tensor.
 *
 * @packageDocumentation
 */
import {
  engine,
  getKernelsForBackend,
  registerKernel,
  Tensor,
  unregisterKernel,
  type DataId,
  type KernelBackend,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from "@tensorflow/tfjs";

/** Wraps every kernel that is registered for the backend. */
export function exchangePlainRecords(backendName: string): void {
  for (const config of getKernelsForBackend(backendName)) {
    unregisterKernel(config.kernelName, backendName);
    registerKernel({ ...config, kernelFunc: withPlainRecords(config.kernelFunc) });
  }
}

function withPlainRecords(stock: KernelFunc): KernelFunc {
  return (params) => {
    const held: HeldInputs = { tensors: new Set(), data: new Set(), unknown: new Set() };
    const backend = params.backend as KernelBackend;
    const result = stock({ ...params, inputs: wholeInputs(params.inputs, held) });
    const plain = Array.isArray(result)
      ? result.map((info) => plainRecord(info, held, backend))
      : plainRecord(result, held, backend);
    forget(held, backend);
    return plain;
  };
}

/** Some kernels (Concat, Pack) take a list of inputs where others take names, and optional ones may be undefined. */
function wholeInputs(inputs: NamedTensorInfoMap, held: HeldInputs): NamedTensorInfoMap {
  const whole: TensorInfo[] | NamedTensorInfoMap = Array.isArray(inputs) ? [] : {};
  const wrap = (info: TensorInfo): TensorInfo => {
    const tensor = wholeTensor(info);
    held.tensors.add(tensor);
    held.data.add(info.dataId);
    if (!isKnown(info.dataId)) held.unknown.add(info.dataId);
    return tensor;
  };
  for (const [name, info] of Object.entries<TensorInfo | TensorInfo[] | undefined>(inputs)) {
    Reflect.set(whole, name, Array.isArray(info) ? info.map(wrap) : info && wrap(info));
  }
  return whole as NamedTensorInfoMap;
}

/** Another face of the same data, which no scope knows of; it owns nothing and is not disposed. */
function wholeTensor(info: TensorInfo): TensorInfo {
  return info instanceof Tensor ? info : new Tensor(info.shape, info.dtype, info.dataId, NO_ID);
}

/** Tensors that tfjs counts have ids from 0. */
const NO_ID = -1;

/** Takes the data over from a whole tensor that the kernel made, as if tfjs had never known of it. */
function plainRecord(info: TensorInfo, held: HeldInputs, backend: KernelBackend): TensorInfo {
  const { dataId, shape, dtype } = info;
  if (!(info instanceof Tensor)) return info;
  backend.incRef(dataId);
  // An input that comes back as it is gets a second owner, as from Identity.
  if (held.tensors.has(info)) return { dataId, shape, dtype };
  info.dispose();
  if (!held.data.has(dataId)) engine().removeDataId(dataId, backend);
  return { dataId, shape, dtype };
}

/** What a kernel was given. */
interface HeldInputs {
  readonly tensors: Set<TensorInfo>;
  readonly data: Set<DataId>;
  /** Those of which tfjs' engine knows nothing. */
  readonly unknown: Set<DataId>;
}

function isKnown(dataId: DataId): boolean {
  return engine().state.tensorInfo.has(dataId);
}

/** Operations in a kernel that share an input's data make it known; their tensors are gone by now. */
function forget({ unknown }: HeldInputs, backend: KernelBackend): void {
  for (const dataId of unknown) if (isKnown(dataId)) engine().removeDataId(dataId, backend);
}
