/**
 * Calls of kernels on strings, and of ragged tensors.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { floats, given, type OpCall } from "../op-call.ts";

const words = given([2], "string", ["a b", "c"]);

/** Calls of the kernels on strings. */
export const textCalls: readonly OpCall[] = [
  {
    kernel: "StaticRegexReplace",
    inputs: [words],
    run: ([x]) => tf.string.staticRegexReplace(x!, "[ab]", "d"),
  },
  {
    kernel: "StringSplit",
    inputs: [words, given([], "string", [" "])],
    run: ([x, delimiter]) => {
      const { indices, values, shape } = tf.string.stringSplit(
        x as tf.Tensor1D,
        delimiter as tf.Scalar,
      ) as Record<"indices" | "values" | "shape", tf.Tensor>;
      return [indices, values, shape];
    },
  },
  {
    kernel: "StringToHashBucketFast",
    inputs: [words],
    run: ([x]) => tf.string.stringToHashBucketFast(x!, 10),
  },
  {
    kernel: "StringNGrams",
    inputs: [given([3], "string", ["a", "b", "c"]), given([2], "int32", [0, 3])],
    run: ([data, splits]) =>
      Object.values(tf.string.stringNGrams(data as tf.Tensor1D, splits!, "|", [2], "", "", 0, false)),
  },
];

/** Calls of the ragged kernels. */
export const raggedCalls: readonly OpCall[] = [
  {
    kernel: "RaggedGather",
    inputs: [given([3], "int32", [0, 2, 5]), floats([5]), given([2], "int32", [1, 0])],
    run: ([splits, values, indices]) => {
      const gathered = tf.raggedGather([splits!], values!, indices!, 1);
      return [...gathered.outputNestedSplits, gathered.outputDenseValues];
    },
  },
  {
    kernel: "RaggedTensorToTensor",
    inputs: [given([2], "int32", [2, 3]), floats([4]), floats([]), given([3], "int32", [0, 1, 4])],
    run: ([shape, values, fallback, splits]) =>
      tf.raggedTensorToTensor(shape!, values!, fallback!, [splits!], ["ROW_SPLITS"]),
  },
];
