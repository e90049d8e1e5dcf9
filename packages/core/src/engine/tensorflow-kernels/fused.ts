/**
 * The fused kernels of `kernels/` as single operations, each one pass over its data. The operations are not
 * TensorFlow's: `native/` adds them, compiled when the engine is installed. CPU only.
 *
 * @packageDocumentation
 */
import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs";
import { ADAMW_UPDATE, type AdamWUpdateAttrs, type AdamWUpdateInputs } from "../../kernels/adamw-update.ts";
import {
  CAUSAL_SOFTMAX,
  CAUSAL_SOFTMAX_GRAD,
  type CausalSoftmaxAttrs,
  type CausalSoftmaxGradInputs,
  type CausalSoftmaxInputs,
} from "../../kernels/causal-softmax.ts";
import {
  CROSS_ENTROPY_SUMS,
  type CrossEntropyAttrs,
  type CrossEntropySumsInputs,
} from "../../kernels/cross-entropy-parts.ts";
import {
  CROSS_ENTROPY,
  CROSS_ENTROPY_GRAD,
  type CrossEntropyGradInputs,
  type CrossEntropyInputs,
} from "../../kernels/cross-entropy.ts";
import { GELU, GELU_GRAD, type GeluAttrs, type GeluGradInputs, type GeluInputs } from "../../kernels/gelu.ts";
import {
  LAYER_NORM,
  LAYER_NORM_GRAD,
  type LayerNormAttrs,
  type LayerNormGradInputs,
  type LayerNormInputs,
} from "../../kernels/layer-norm.ts";
import {
  RMS_NORM,
  RMS_NORM_GRAD,
  type RMSNormAttrs,
  type RMSNormGradInputs,
  type RMSNormInputs,
} from "../../kernels/rms-norm.ts";
import { checkLabelsOf } from "./check-labels.ts";
import type { OperationAttribute } from "./native-backend.ts";
import { tensorflowKernel, type TensorflowKernel } from "./tensorflow-kernel.ts";

type NoAttrs = Record<string, never>;

const layerNorm = tensorflowKernel<LayerNormInputs, LayerNormAttrs>(
  LAYER_NORM,
  ({ inputs: { x, gamma, beta }, attrs, ops }) =>
    ops("MeshwrightLayerNorm", [x, gamma, beta], {
      attrs: { epsilon: { float: attrs.epsilon } },
      numOutputs: 3,
    }),
);

const layerNormGrad = tensorflowKernel<LayerNormGradInputs, NoAttrs>(
  LAYER_NORM_GRAD,
  ({ inputs: { dy, x, gamma, mean, rstd }, ops }) =>
    ops("MeshwrightLayerNormGrad", [dy, x, gamma, mean, rstd], { numOutputs: 3 }),
);

const rmsNorm = tensorflowKernel<RMSNormInputs, RMSNormAttrs>(
  RMS_NORM,
  ({ inputs: { x, gamma }, attrs, ops }) =>
    ops("MeshwrightRMSNorm", [x, gamma], { attrs: { epsilon: { float: attrs.epsilon } }, numOutputs: 2 }),
);

const rmsNormGrad = tensorflowKernel<RMSNormGradInputs, NoAttrs>(
  RMS_NORM_GRAD,
  ({ inputs: { dy, x, gamma, rstd }, ops }) =>
    ops("MeshwrightRMSNormGrad", [dy, x, gamma, rstd], { numOutputs: 2 }),
);

const gelu = tensorflowKernel<GeluInputs, GeluAttrs>(GELU, ({ inputs: { x }, attrs, op }) =>
  op("MeshwrightGelu", [x], { approximate: attrs.approximate === "tanh" }),
);

const geluGrad = tensorflowKernel<GeluGradInputs, GeluAttrs>(GELU_GRAD, ({ inputs: { dy, x }, attrs, op }) =>
  op("MeshwrightGeluGrad", [dy, x], { approximate: attrs.approximate === "tanh" }),
);

const causalSoftmax = tensorflowKernel<CausalSoftmaxInputs, CausalSoftmaxAttrs>(
  CAUSAL_SOFTMAX,
  ({ inputs: { x }, attrs, op }) => op("MeshwrightCausalSoftmax", [x], { scale: { float: attrs.scale } }),
);

const causalSoftmaxGrad = tensorflowKernel<CausalSoftmaxGradInputs, CausalSoftmaxAttrs>(
  CAUSAL_SOFTMAX_GRAD,
  ({ inputs: { dy, y }, attrs, op }) =>
    op("MeshwrightCausalSoftmaxGrad", [dy, y], { scale: { float: attrs.scale } }),
);

const crossEntropy = tensorflowKernel<CrossEntropyInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY,
  ({ inputs: { logits, labels }, attrs, native, ops }) => {
    checkLabelsOf(native, labels, attrs);
    return ops("MeshwrightCrossEntropy", [logits, labels], { attrs: entropyAttrs(attrs), numOutputs: 2 });
  },
);

const crossEntropySums = tensorflowKernel<CrossEntropySumsInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY_SUMS,
  ({ inputs: { logits, labels, max }, attrs, native, op }) => {
    checkLabelsOf(native, labels, attrs);
    return op("MeshwrightCrossEntropySums", [logits, labels, max], entropyAttrs(attrs));
  },
);

const crossEntropyGrad = tensorflowKernel<CrossEntropyGradInputs, CrossEntropyAttrs>(
  CROSS_ENTROPY_GRAD,
  ({ inputs: { dy, logits, labels, logSumExp }, attrs, op }) =>
    op("MeshwrightCrossEntropyGrad", [dy, logits, labels, logSumExp], entropyAttrs(attrs)),
);

function entropyAttrs(attrs: CrossEntropyAttrs): Readonly<Record<string, OperationAttribute>> {
  const { ignoreIndex, labelSmoothing, zLoss, numClasses, firstClass } = attrs;
  return {
    ignore: Number.isNaN(ignoreIndex) ? { int: NOTHING_IGNORED } : { int: ignoreIndex },
    smoothing: { float: labelSmoothing },
    z_loss: { float: zLoss },
    num_classes: { int: numClasses },
    first_class: { int: firstClass },
  };
}

/** No int32 label is this one. */
const NOTHING_IGNORED = 2 ** 40;

/** The scalars change at every step: as a tensor they leave the library's cache of kernels alone, as attributes not. */
const adamWUpdate = tensorflowKernel<AdamWUpdateInputs, AdamWUpdateAttrs>(
  ADAMW_UPDATE,
  ({ inputs: { parameter, gradient, m, v }, attrs, native, ops }) => {
    const { learningRate, beta1, beta2, epsilon, weightDecay, step } = attrs;
    const scalars = native.create(
      Float32Array.of(
        1 - beta1,
        beta2,
        1 - beta2,
        1 - learningRate * weightDecay,
        learningRate / (1 - beta1 ** step),
        1 / Math.sqrt(1 - beta2 ** step),
        epsilon,
      ),
      [7],
      "float32",
    );
    try {
      return ops("MeshwrightAdamWUpdate", [parameter, gradient, m, v, scalars], { numOutputs: 3 });
    } finally {
      native.release(scalars);
    }
  },
);

interface SumAttrs {
  readonly axis: number | readonly number[];
  readonly keepDims: boolean;
}

/**
 * A sum over all dims but the last, which is what the gradient of a bias is; TensorFlow's own walks it column by column.
 * Every other sum is the stock kernel's.
 */
const sum = tensorflowKernel<Record<"x", TensorInfo>, NamedAttrMap>(
  "Sum",
  ({ inputs: { x }, attrs, op, stock }) => {
    const { axis, keepDims } = attrs as object as SumAttrs;
    const axes = new Set(typeof axis === "number" ? [axis] : axis);
    const rank = x.shape.length;
    const leadsAll = rank > 1 && axes.size === rank - 1 && !axes.has(rank - 1) && !axes.has(-1);
    if (!leadsAll || keepDims || x.dtype !== "float32") return stock();
    return op("MeshwrightSumLeading", [x]);
  },
);

/** Which operations a library has: 1, those of its first version; 2, `CrossEntropySums` too, and lending of memory. */
export const FUSED_REVISION = 2;

/** All that a library of this revision has, which an older version of this package may have built. */
export function fusedKernels(revision: number): readonly TensorflowKernel[] {
  return revision < 2 ? FIRST : [...FIRST, crossEntropySums];
}

const FIRST: readonly TensorflowKernel[] = [
  layerNorm,
  layerNormGrad,
  rmsNorm,
  rmsNormGrad,
  gelu,
  geluGrad,
  causalSoftmax,
  causalSoftmaxGrad,
  crossEntropy,
  crossEntropyGrad,
  adamWUpdate,
  sum,
];
