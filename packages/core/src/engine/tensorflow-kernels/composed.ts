/**
 * The fused kernels of `kernels/` out of TensorFlow's own operations: several passes over the data, for a GPU and for a
 * library that was installed without the operations of `native/`.
 *
 * Legend: as in `kernels/`.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { ADAMW_UPDATE, type AdamWUpdateAttrs, type AdamWUpdateInputs } from "../../kernels/adamw-update.ts";
import {
  CAUSAL_SOFTMAX,
  CAUSAL_SOFTMAX_GRAD,
  type CausalSoftmaxAttrs,
  type CausalSoftmaxGradInputs,
  type CausalSoftmaxInputs,
} from "../../kernels/causal-softmax.ts";
import { GELU, GELU_GRAD, type GeluAttrs, type GeluGradInputs, type GeluInputs } from "../../kernels/gelu.ts";
import {
  LAYER_NORM,
  LAYER_NORM_GRAD,
  type LayerNormAttrs,
  type LayerNormGradInputs,
  type LayerNormInputs,
} from "../../kernels/layer-norm.ts";
import { tensorflowKernel, type TensorflowCall, type TensorflowKernel } from "./tensorflow-kernel.ts";

type Steps = Pick<TensorflowCall<unknown, unknown>, "op" | "scalar" | "integers" | "reshape">;

const layerNorm = tensorflowKernel<LayerNormInputs, LayerNormAttrs>(LAYER_NORM, (call) => {
  const { inputs, attrs, op, scalar, reshape } = call;
  const { x, gamma, beta } = inputs;
  const mean = lastMean(call, x);
  const centred = op("Sub", [x, mean]);
  const variance = lastMean(call, op("Square", [centred]));
  const rstd = op("Rsqrt", [op("AddV2", [variance, scalar(attrs.epsilon)])]);
  const normal = op("Mul", [centred, rstd]);
  const y = op("AddV2", [op("Mul", [normal, gamma]), beta]);
  const rows = x.shape.slice(0, -1);
  return [y, reshape(mean, rows), reshape(rstd, rows)];
});

const layerNormGrad = tensorflowKernel<LayerNormGradInputs, Record<string, never>>(
  LAYER_NORM_GRAD,
  (call) => {
    const { inputs, op, integers, reshape } = call;
    const { dy, x, gamma } = inputs;
    const column = [...x.shape.slice(0, -1), 1];
    const [mean, rstd] = [reshape(inputs.mean, column), reshape(inputs.rstd, column)];
    const normal = op("Mul", [op("Sub", [x, mean]), rstd]);
    const g = op("Mul", [dy, gamma]);
    const along = op("Mul", [normal, lastMean(call, op("Mul", [g, normal]))]);
    const dx = op("Mul", [op("Sub", [op("Sub", [g, lastMean(call, g)]), along]), rstd]);
    const leading = integers(x.shape.slice(1).map((_, dim) => dim));
    const sumRows = (t: TensorInfo): TensorInfo => op("Sum", [t, leading], { keep_dims: false });
    return [dx, sumRows(op("Mul", [dy, normal])), sumRows(dy)];
  },
);

/** The mean over the last dim, which stays with size 1. */
function lastMean({ op, integers }: Steps, x: TensorInfo): TensorInfo {
  return op("Mean", [x, integers([x.shape.length - 1])], { keep_dims: true });
}

const CUBIC = 0.044715;
const TWICE_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);

/** `(1 + tanh u) / 2` or `Phi(x)`. */
function share({ op, scalar }: Steps, x: TensorInfo, { approximate }: GeluAttrs): TensorInfo {
  if (approximate === "tanh") {
    const inner = op("AddV2", [op("Mul", [op("Square", [x]), scalar(CUBIC)]), scalar(1)]);
    return op("Sigmoid", [op("Mul", [op("Mul", [x, inner]), scalar(TWICE_SQRT_2_OVER_PI)])]);
  }
  return op("Mul", [op("Erfc", [op("Mul", [x, scalar(-Math.SQRT1_2)])]), scalar(0.5)]);
}

const gelu = tensorflowKernel<GeluInputs, GeluAttrs>(GELU, (call) =>
  call.op("Mul", [call.inputs.x, share(call, call.inputs.x, call.attrs)]),
);

const geluGrad = tensorflowKernel<GeluGradInputs, GeluAttrs>(GELU_GRAD, (call) => {
  const { inputs, attrs, op, scalar } = call;
  const { dy, x } = inputs;
  const part = share(call, x, attrs);
  const square = op("Square", [x]);
  let slope: TensorInfo;
  if (attrs.approximate === "tanh") {
    const inner = op("AddV2", [op("Mul", [square, scalar(3 * CUBIC)]), scalar(1)]);
    const rest = op("Mul", [part, op("Sub", [scalar(1), part])]);
    slope = op("Mul", [op("Mul", [inner, rest]), scalar(TWICE_SQRT_2_OVER_PI)]);
  } else {
    slope = op("Mul", [op("Exp", [op("Mul", [square, scalar(-0.5)])]), scalar(1 / Math.sqrt(2 * Math.PI))]);
  }
  return op("Mul", [dy, op("AddV2", [part, op("Mul", [x, slope])])]);
});

const causalSoftmax = tensorflowKernel<CausalSoftmaxInputs, CausalSoftmaxAttrs>(CAUSAL_SOFTMAX, (call) => {
  const { inputs, attrs, op, scalar } = call;
  const { x } = inputs;
  const hidden = op("AddV2", [op("Mul", [x, scalar(attrs.scale)]), bias(call, x.shape)]);
  const [rows, columns] = [x.shape.slice(0, -1).reduce((a, b) => a * b, 1), x.shape.at(-1)!];
  return call.reshape(op("Softmax", [call.reshape(hidden, [rows, columns])]), x.shape);
});

/** 0 where a position may look, -infinity elsewhere. */
function bias({ op, integers, scalar }: Steps, shape: readonly number[]): TensorInfo {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const all = op("Fill", [integers([rows, columns]), scalar(-Infinity)]);
  const zeros = op("Fill", [integers([rows, columns]), scalar(0)]);
  const seen = op("MatrixBandPart", [
    op("Fill", [integers([rows, columns]), scalar(1)]),
    integers([-1], []),
    integers([columns - rows], []),
  ]);
  return op("SelectV2", [op("Greater", [seen, scalar(0)]), zeros, all]);
}

const causalSoftmaxGrad = tensorflowKernel<CausalSoftmaxGradInputs, CausalSoftmaxAttrs>(
  CAUSAL_SOFTMAX_GRAD,
  ({ inputs: { dy, y }, attrs, op, scalar, integers }) => {
    const sum = op("Sum", [op("Mul", [dy, y]), integers([y.shape.length - 1])], { keep_dims: true });
    return op("Mul", [op("Mul", [op("Sub", [dy, sum]), y]), scalar(attrs.scale)]);
  },
);

const adamWUpdate = tensorflowKernel<AdamWUpdateInputs, AdamWUpdateAttrs>(
  ADAMW_UPDATE,
  ({ inputs: { parameter, gradient, m, v }, attrs, op, scalar }) => {
    const { learningRate, beta1, beta2, epsilon, weightDecay, step } = attrs;
    const times = (t: TensorInfo, factor: number): TensorInfo => op("Mul", [t, scalar(factor)]);
    const newM = op("AddV2", [m, times(op("Sub", [gradient, m]), 1 - beta1)]);
    const newV = op("AddV2", [times(v, beta2), times(op("Square", [gradient]), 1 - beta2)]);
    const root = times(op("Sqrt", [newV]), 1 / Math.sqrt(1 - beta2 ** step));
    const change = op("Div", [
      times(newM, learningRate / (1 - beta1 ** step)),
      op("AddV2", [root, scalar(epsilon)]),
    ]);
    return [op("Sub", [times(parameter, 1 - learningRate * weightDecay), change]), newM, newV];
  },
);

/** All of them. */
export const composedKernels: readonly TensorflowKernel[] = [
  layerNorm,
  layerNormGrad,
  gelu,
  geluGrad,
  causalSoftmax,
  causalSoftmaxGrad,
  adamWUpdate,
];
