/**
 * Ring attention as a kernel of local tensors, and its gradient.
 *
 * @packageDocumentation
 */
import {
  engine as tfEngine,
  getGradient,
  registerGradient,
  registerKernel,
  tidy,
  type GradConfig,
  type KernelConfig,
  type Tensor,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { findKernel } from "../backend/engine-door.ts";
import { SHARDED, type ShardedBackend } from "../backend/sharded-backend.ts";
import { numElements } from "../layout.ts";
import { requireLocal } from "../local-map/local-mesh.ts";
import { Replicate } from "../placement.ts";
import { CHUNKS_PER_RANK, type ContextOrder } from "./chunk-order.ts";
import { RingPass } from "./ring-attention-pass.ts";

/** Outputs: `y` `[B, H, T, Dh]`, `logSumExp` `[2, B, H, T/2]`. */
const RING_ATTENTION = "RingAttention";
/** Outputs: `dq`, `dk`, `dv`. Same attributes. */
const RING_ATTENTION_GRAD = "RingAttentionGrad";

/** The axis that splits the sequence, and which chunks its ranks hold. */
export type RingAttrs = { axis: string; order: ContextOrder }; // eslint-disable-line @typescript-eslint/consistent-type-definitions -- an interface does not fit NamedAttrMap

/** Causal attention of local queries to the keys and values of all ranks along an axis. Use inside `localMap`. */
export function runRingAttention(
  q: Tensor,
  { k, v }: { readonly k: Tensor; readonly v: Tensor },
  attrs: RingAttrs,
): Tensor {
  // The tidy frees the logarithms unless the tape has saved them.
  return tidy(() => tfEngine().runKernel<Tensor[]>(RING_ATTENTION, { q, k, v }, attrs)[0]!);
}

/** Registers both kernels and the gradient, once. */
export function registerRingAttention(): void {
  for (const kernel of [ringAttentionKernel, ringAttentionGradKernel]) {
    if (findKernel(kernel.kernelName, SHARDED) === undefined) registerKernel(kernel);
  }
  // tfjs types the look-up as always successful; it returns undefined for a name that is not registered.
  const found: unknown = getGradient(RING_ATTENTION);
  if (found === undefined) registerGradient(ringAttentionGradient);
}

const ringAttentionKernel: KernelConfig = {
  kernelName: RING_ATTENTION,
  backendName: SHARDED,
  kernelFunc: ({ inputs, attrs, backend }) => {
    const sharded = backend as ShardedBackend;
    return runOnRank(sharded, [inputs.q!, inputs.k!, inputs.v!], attrs as RingAttrs, (pass, [q]) => {
      if (pass !== undefined) return pass.forward();
      const { engine } = sharded.door;
      const [batch, heads, positions] = q!.shape as [number, number, number, number];
      const logs = [CHUNKS_PER_RANK, batch, heads, positions / CHUNKS_PER_RANK];
      return [engine.create(q!.shape, "float32"), engine.create(logs, "float32")];
    });
  },
};

const ringAttentionGradKernel: KernelConfig = {
  kernelName: RING_ATTENTION_GRAD,
  backendName: SHARDED,
  kernelFunc: ({ inputs, attrs, backend }) => {
    const sharded = backend as ShardedBackend;
    const all = [inputs.q!, inputs.k!, inputs.v!, inputs.dy!, inputs.y!, inputs.logSumExp!];
    return runOnRank(sharded, all, attrs as RingAttrs, (pass, [q, k, v, dy, y, logSumExp]) => {
      if (pass !== undefined) return pass.backward(dy!, { y: y!, logSumExp: logSumExp! });
      return [q!, k!, v!].map(({ shape }) => sharded.door.engine.create(shape, "float32"));
    });
  },
};

const ringAttentionGradient: GradConfig = {
  kernelName: RING_ATTENTION,
  inputsToSave: ["q", "k", "v"],
  outputsToSave: [true, true],
  gradFunc: (dys, saved, attrs) => {
    const [dy] = dys as Tensor[];
    const [q, k, v, y, logSumExp] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const inputs = { dy: dy!, q, k, v, y, logSumExp };
    const gradients = tfEngine().runKernel<Tensor[]>(RING_ATTENTION_GRAD, inputs, attrs);
    const [dq, dk, dv] = gradients as [Tensor, Tensor, Tensor];
    return { q: () => dq, k: () => dk, v: () => dv };
  },
};

/** Runs `body` on local data; without a pass where this rank has no sequences or heads, and then no neighbour has any. */
function runOnRank(
  backend: ShardedBackend,
  inputs: readonly TensorInfo[],
  { axis, order }: RingAttrs,
  body: (pass: RingPass | undefined, locals: readonly TensorInfo[]) => readonly TensorInfo[],
): TensorInfo[] {
  const mesh = requireLocal(RING_ATTENTION, inputs[0]!, backend);
  const locals = inputs.map((info) => backend.recordOf(info).local);
  const [q, k, v] = locals as [TensorInfo, TensorInfo, TensorInfo];
  const place = { door: backend.door, group: mesh.outer.group(axis), order };
  const pass = numElements(q.shape) === 0 ? undefined : new RingPass(place, { q, k, v });
  return body(pass, locals).map((info) => backend.wrap(mesh, info.shape, [Replicate()], info));
}
