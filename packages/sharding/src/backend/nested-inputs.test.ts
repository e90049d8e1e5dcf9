import type { TensorInfo } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { flattenInputs, nestInputs, takesNestedInputs } from "./nested-inputs.ts";

const info = (size: number): TensorInfo => ({ dataId: {}, shape: [size], dtype: "float32" });

test("lists among the inputs get names of their own, and come back in order", () => {
  const inputs = { splits: [info(1), info(2), info(3)], x: info(4), none: [] };
  const flat = flattenInputs(inputs);
  expect(Object.keys(flat)).toEqual(["splits.0", "splits.1", "splits.2", "x"]);
  expect(nestInputs(flat)).toEqual({ splits: inputs.splits, x: inputs.x });
});

test("only the ragged kernels take lists", () => {
  expect(["RaggedGather", "RaggedTensorToTensor", "RaggedRange", "AddN"].filter(takesNestedInputs)).toEqual([
    "RaggedGather",
    "RaggedTensorToTensor",
  ]);
});
