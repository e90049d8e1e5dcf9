/**
 * Calls of the kernels that move elements: views, slices, joins, gathers, scatters, and tensors made from nothing.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { floats, given, ints, runKernel, type OpCall } from "../op-call.ts";

const ANY = [-1.5, 1.5] as const;

const views: readonly OpCall[] = [
  { kernel: "Identity", inputs: [floats([5, 3])], run: ([x]) => tf.clone(x!) },
  { kernel: "Reshape", inputs: [floats([4, 6])], run: ([x]) => tf.reshape(x!, [4, 2, 3]) },
  { kernel: "ExpandDims", inputs: [floats([5, 3])], run: ([x]) => tf.expandDims(x!, 1) },
  { kernel: "Transpose", inputs: [floats([5, 3, 2])], run: ([x]) => tf.transpose(x!, [2, 0, 1]) },
  { kernel: "Slice", inputs: [floats([5, 4])], run: ([x]) => tf.slice(x!, [1, 0], [3, 2]) },
  {
    kernel: "StridedSlice",
    inputs: [floats([5, 4])],
    run: ([x]) => tf.stridedSlice(x!, [0, 1], [5, 4], [2, 1]),
  },
  { kernel: "Reverse", inputs: [floats([5, 3])], run: ([x]) => tf.reverse(x!, 0) },
  {
    kernel: "PadV2",
    inputs: [floats([5, 3])],
    run: ([x]) =>
      tf.pad(x!, [
        [1, 2],
        [0, 1],
      ]),
  },
  {
    kernel: "MirrorPad",
    inputs: [floats([5, 3])],
    run: ([x]) =>
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 1],
        ],
        "reflect",
      ),
  },
  { kernel: "Tile", inputs: [floats([5, 3])], run: ([x]) => tf.tile(x!, [2, 3]) },
  { kernel: "Diag", inputs: [floats([5])], run: ([x]) => tf.diag(x!) },
];

const joins: readonly OpCall[] = [
  {
    kernel: "Concat",
    inputs: [floats([5, 3]), floats([5, 2], ANY, 2)],
    run: (all) => tf.concat([...all], 1),
  },
  {
    kernel: "Pack",
    inputs: [floats([5, 3]), floats([5, 3], ANY, 2)],
    run: (all) => tf.stack([...all], 1),
  },
  { kernel: "SplitV", inputs: [floats([5, 6])], run: ([x]) => tf.split(x!, [1, 2, 3], 1) },
  { kernel: "Unpack", inputs: [floats([5, 3])], run: ([x]) => tf.unstack(x!, 1) },
];

const gathers: readonly OpCall[] = [
  {
    kernel: "GatherV2",
    inputs: [floats([5, 3]), given([4], "int32", [4, 0, 0, 2])],
    run: ([x, indices]) => tf.gather(x!, indices!),
  },
  {
    kernel: "GatherV2",
    variant: "with batch dims",
    inputs: [floats([2, 5, 3]), ints([2, 4], 5)],
    run: ([x, indices]) => tf.gather(x!, indices!, 1, 1),
  },
  {
    kernel: "UnsortedSegmentSum",
    inputs: [floats([5, 3]), given([5], "int32", [2, 0, 3, 2, 0])],
    run: ([x, ids]) => tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4),
  },
  {
    kernel: "GatherNd",
    inputs: [floats([5, 3]), given([4, 1], "int32", [4, 0, 0, 2])],
    run: ([x, indices]) => tf.gatherND(x!, indices!),
  },
  {
    kernel: "ScatterNd",
    inputs: [given([4, 1], "int32", [4, 0, 0, 2]), floats([4, 3])],
    run: ([indices, updates]) => tf.scatterND(indices!, updates!, [5, 3]),
  },
  {
    kernel: "TensorScatterUpdate",
    inputs: [floats([5, 3]), given([3, 1], "int32", [4, 0, 2]), floats([3, 3], ANY, 2)],
    run: ([x, indices, updates]) => tf.tensorScatterUpdate(x!, indices!, updates!),
  },
  {
    kernel: "SparseToDense",
    inputs: [given([3, 2], "int32", [4, 0, 0, 2, 2, 1]), floats([3]), floats([])],
    run: ([indices, values, fallback]) => tf.sparseToDense(indices!, values!, [5, 3], fallback as tf.Scalar),
  },
  { kernel: "OneHot", inputs: [ints([5], 4)], run: ([x]) => tf.oneHot(x!, 4) },
];

const creations: readonly OpCall[] = [
  {
    kernel: "Fill",
    inputs: [floats([2])],
    run: ([x]) => tf.mul(x!, tf.fill([3, 2], 0.5)),
  },
  { kernel: "Range", inputs: [floats([5])], run: ([x]) => tf.mul(x!, tf.range(0, 5)) },
  { kernel: "LinSpace", inputs: [floats([5])], run: ([x]) => tf.mul(x!, tf.linspace(0, 1, 5)) },
  { kernel: "ZerosLike", inputs: [floats([5, 3])], run: ([x]) => tf.zerosLike(x!) },
  { kernel: "OnesLike", inputs: [floats([5, 3])], run: ([x]) => tf.onesLike(x!) },
  {
    kernel: "Multinomial",
    inputs: [floats([3, 4])],
    run: ([logits]) => tf.multinomial(logits as tf.Tensor2D, 5, 7),
  },
];

/** The calls of the kernels that stay replicated. */
export const replicatedCalls: readonly OpCall[] = [
  {
    kernel: "Complex",
    inputs: [floats([4, 2]), floats([4, 2], ANY, 2)],
    run: ([real, imag]) => tf.real(tf.complex(real!, imag!)),
  },
  {
    kernel: "Real",
    inputs: [floats([4, 2])],
    run: ([x]) => tf.real(tf.complex(x!, tf.zerosLike(x!))),
  },
  {
    kernel: "Imag",
    inputs: [floats([4, 2])],
    run: ([x]) => tf.imag(tf.complex(tf.zerosLike(x!), x!)),
  },
  {
    kernel: "ComplexAbs",
    inputs: [floats([4, 2])],
    run: ([x]) => tf.abs(tf.complex(x!, tf.onesLike(x!))),
  },
  {
    kernel: "FFT",
    inputs: [floats([2, 4])],
    run: ([x]) => {
      const spectrum = tf.spectral.fft(tf.complex(x!, tf.zerosLike(x!)));
      return [tf.real(spectrum), tf.imag(spectrum)];
    },
  },
  {
    kernel: "IFFT",
    inputs: [floats([2, 4])],
    run: ([x]) => tf.real(tf.spectral.ifft(tf.complex(x!, tf.onesLike(x!)))),
  },
  {
    kernel: "Unique",
    inputs: [given([5], "float32", [2, 1, 2, 3, 1])],
    run: ([x]) => Object.values(tf.unique(x!)),
  },
  {
    kernel: "BroadcastArgs",
    inputs: [given([2], "int32", [5, 1]), given([1], "int32", [3])],
    run: ([a, b]) => tf.broadcastArgs(a!, b!),
  },
  {
    kernel: "SparseFillEmptyRows",
    inputs: [
      given([3, 2], "int32", [0, 0, 2, 1, 2, 2]),
      floats([3]),
      given([2], "int32", [4, 3]),
      floats([]),
    ],
    run: ([indices, values, shape, fallback]) => {
      const filled = tf.sparse.sparseFillEmptyRows(
        indices as tf.Tensor2D,
        values as tf.Tensor1D,
        shape as tf.Tensor1D,
        fallback as tf.Scalar,
      );
      return [filled.outputIndices!, filled.outputValues!];
    },
  },
  {
    kernel: "SparseReshape",
    inputs: [
      given([3, 2], "int32", [0, 0, 2, 1, 3, 2]),
      given([2], "int32", [4, 3]),
      given([2], "int32", [6, 2]),
    ],
    run: ([indices, from, to]) =>
      Object.values(tf.sparse.sparseReshape(indices as tf.Tensor2D, from as tf.Tensor1D, to as tf.Tensor1D)),
  },
  ...(["SparseSegmentMean", "SparseSegmentSum"] as const).map((kernel): OpCall => ({
    kernel,
    inputs: [floats([5, 3]), given([4], "int32", [4, 0, 0, 2]), given([4], "int32", [0, 0, 1, 2])],
    run: ([data, indices, ids]) =>
      kernel === "SparseSegmentMean"
        ? tf.sparse.sparseSegmentMean(data!, indices as tf.Tensor1D, ids as tf.Tensor1D)
        : tf.sparse.sparseSegmentSum(data!, indices as tf.Tensor1D, ids as tf.Tensor1D),
  })),
  {
    kernel: "RaggedRange",
    inputs: [given([2], "int32", [0, 3]), given([2], "int32", [4, 5]), given([2], "int32", [1, 1])],
    run: ([starts, limits, deltas]) =>
      runKernel("RaggedRange", { starts: starts!, limits: limits!, deltas: deltas! }),
  },
];

/** Calls of the kernels that move elements. */
export const shapeCalls: readonly OpCall[] = [...views, ...joins, ...gathers, ...creations];
