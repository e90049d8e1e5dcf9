/**
 * Calls of the kernels that work element by element.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { bools, floats, ints, runKernel, type OpCall } from "../op-call.ts";

type Range = readonly [number, number];
type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const ANY: Range = [-1.5, 1.5];
const UNIT: Range = [-0.9, 0.9];
const POSITIVE: Range = [0.3, 2.5];

const UNARY: Readonly<Record<string, readonly [Unary, Range]>> = {
  Abs: [(x) => tf.abs(x), ANY],
  Acos: [(x) => tf.acos(x), UNIT],
  Acosh: [(x) => tf.acosh(x), [1.2, 3]],
  Asin: [(x) => tf.asin(x), UNIT],
  Asinh: [(x) => tf.asinh(x), ANY],
  Atan: [(x) => tf.atan(x), ANY],
  Atanh: [(x) => tf.atanh(x), UNIT],
  Ceil: [(x) => tf.ceil(x), ANY],
  ClipByValue: [(x) => tf.clipByValue(x, -0.7, 0.8), ANY],
  Cos: [(x) => tf.cos(x), ANY],
  Cosh: [(x) => tf.cosh(x), ANY],
  Elu: [(x) => tf.elu(x), ANY],
  Erf: [(x) => tf.erf(x), ANY],
  Exp: [(x) => tf.exp(x), ANY],
  Expm1: [(x) => tf.expm1(x), ANY],
  Floor: [(x) => tf.floor(x), ANY],
  IsFinite: [(x) => tf.isFinite(x), ANY],
  IsInf: [(x) => tf.isInf(x), ANY],
  IsNan: [(x) => tf.isNaN(x), ANY],
  LeakyRelu: [(x) => tf.leakyRelu(x, 0.3), ANY],
  Log: [(x) => tf.log(x), POSITIVE],
  Log1p: [(x) => tf.log1p(x), POSITIVE],
  Neg: [(x) => tf.neg(x), ANY],
  Reciprocal: [(x) => tf.reciprocal(x), POSITIVE],
  Relu: [(x) => tf.relu(x), ANY],
  Relu6: [(x) => tf.relu6(x), [-4, 9]],
  Round: [(x) => tf.round(x), ANY],
  Rsqrt: [(x) => tf.rsqrt(x), POSITIVE],
  Selu: [(x) => tf.selu(x), ANY],
  Sigmoid: [(x) => tf.sigmoid(x), ANY],
  Sign: [(x) => tf.sign(x), ANY],
  Sin: [(x) => tf.sin(x), ANY],
  Sinh: [(x) => tf.sinh(x), ANY],
  Softplus: [(x) => tf.softplus(x), ANY],
  Sqrt: [(x) => tf.sqrt(x), POSITIVE],
  Square: [(x) => tf.square(x), ANY],
  Step: [(x) => tf.step(x, 0.5), ANY],
  Tan: [(x) => tf.tan(x), UNIT],
  Tanh: [(x) => tf.tanh(x), ANY],
};

const BINARY: Readonly<Record<string, readonly [Binary, Range]>> = {
  Add: [(a, b) => tf.add(a, b), ANY],
  Atan2: [(a, b) => tf.atan2(a, b), POSITIVE],
  Equal: [(a, b) => tf.equal(a, b), ANY],
  FloorDiv: [(a, b) => tf.floorDiv(a, b), POSITIVE],
  Greater: [(a, b) => tf.greater(a, b), ANY],
  GreaterEqual: [(a, b) => tf.greaterEqual(a, b), ANY],
  Less: [(a, b) => tf.less(a, b), ANY],
  LessEqual: [(a, b) => tf.lessEqual(a, b), ANY],
  Mod: [(a, b) => tf.mod(a, b), POSITIVE],
  Multiply: [(a, b) => tf.mul(a, b), ANY],
  NotEqual: [(a, b) => tf.notEqual(a, b), ANY],
  Pow: [(a, b) => tf.pow(a, b), POSITIVE],
  Prelu: [(a, b) => tf.prelu(a, b), ANY],
  RealDiv: [(a, b) => tf.div(a, b), POSITIVE],
  Sub: [(a, b) => tf.sub(a, b), ANY],
};

/** Their gradients do not sum over what was repeated. */
const EQUAL_SHAPES: Readonly<Record<string, Binary>> = {
  Maximum: (a, b) => tf.maximum(a, b),
  Minimum: (a, b) => tf.minimum(a, b),
  SquaredDifference: (a, b) => tf.squaredDifference(a, b),
};

/** Calls of the pointwise kernels. */
export const pointwiseCalls: readonly OpCall[] = [
  ...Object.entries(UNARY).map(([kernel, [run, range]]): OpCall => ({
    kernel,
    inputs: [floats([5, 3], range)],
    run: ([x]) => run(x!),
  })),
  ...Object.entries(BINARY).map(([kernel, [run, range]]): OpCall => ({
    kernel,
    // The second is repeated along the first dim of the first.
    inputs: [floats([5, 3], range), floats([3], range, 2)],
    run: ([a, b]) => run(a!, b!),
  })),
  {
    kernel: "AddN",
    inputs: [floats([5, 3]), floats([5, 3], ANY, 2), floats([5, 3], ANY, 3)],
    run: (all) => tf.addN([...all]),
  },
  {
    kernel: "BitwiseAnd",
    inputs: [ints([5, 3], 8), ints([5, 3], 8, 2)],
    run: ([a, b]) => tf.bitwiseAnd(a!, b!),
  },
  ...Object.entries(EQUAL_SHAPES).flatMap(([kernel, run]): OpCall[] => [
    {
      kernel,
      inputs: [floats([5, 3]), floats([5, 3], ANY, 2)],
      run: ([a, b]) => run(a!, b!),
    },
    {
      kernel,
      variant: "broadcast",
      inputs: [floats([5, 3]), floats([3], ANY, 2)],
      run: ([a, b]) => run(a!, b!),
    },
  ]),
  {
    kernel: "Cast",
    inputs: [floats([5, 3])],
    run: ([x]) => tf.cast(x!, "float32"),
  },
  {
    kernel: "Cast",
    variant: "to int32",
    inputs: [floats([5, 3])],
    run: ([x]) => tf.cast(x!, "int32"),
  },
  {
    kernel: "LogicalAnd",
    inputs: [bools([5, 3]), bools([5, 3], 2)],
    run: ([a, b]) => tf.logicalAnd(a!, b!),
  },
  {
    kernel: "LogicalOr",
    inputs: [bools([5, 3]), bools([5, 3], 2)],
    run: ([a, b]) => tf.logicalOr(a!, b!),
  },
  {
    kernel: "LogicalXor",
    onlyOn: "wasm",
    inputs: [bools([5, 3]), bools([5, 3], 2)],
    run: ([a, b]) => runKernel("LogicalXor", { a: a!, b: b! }),
  },
  { kernel: "LogicalNot", inputs: [bools([5, 3])], run: ([x]) => tf.logicalNot(x!) },
  {
    kernel: "Select",
    inputs: [bools([5, 3]), floats([5, 3]), floats([5, 3], ANY, 2)],
    run: ([condition, t, e]) => tf.where(condition!, t!, e!),
  },
];
