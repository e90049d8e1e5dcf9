/**
 * Kernels that compute each output element from the input elements at the same place.
 *
 * Any dim may be split, unevenly too; an input that is repeated along the dim (broadcast) stays whole.
 * The linear ones let partial sums through:
 *
 * | kernel               | accepts                                      | gives            |
 * | -------------------- | -------------------------------------------- | ---------------- |
 * | `Add`, `Sub`, `AddN` | every input `Partial("sum")`                 | `Partial("sum")` |
 * | the same, 1 element  | partial and whole ones mixed                 | `Partial("sum")` |
 * | `Multiply`           | one `Partial("sum")`, the other one element  | `Partial("sum")` |
 * | `RealDiv`            | `Partial("sum")` over one element            | `Partial("sum")` |
 * | `Neg`                | `Partial("sum" / "max" / "min")`             | sum / min / max  |
 * | `Cast` to float      | any `Partial`                                | the same         |
 * | `Select`             | both branches partial, condition whole       | the same         |
 * | `Maximum`, `Minimum` | both `Partial("max")`, both `Partial("min")` | the same         |
 *
 * A partial sum times a *full-size* whole tensor is linear too, but not offered: the sum would be reduced later and, where
 * the product has several consumers, more than once. So it is reduced here, once.
 *
 * @packageDocumentation
 */
import { backend_util, type DataType, type TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { inputAt } from "./attributes.ts";
import { alignedDim, broadcastShape } from "./broadcast.ts";
import type { AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { partial, PARTIAL_OPS, passPartials, sharded } from "./strategy.ts";

/** What one family of pointwise kernels has of its own. */
export interface PointwiseFamily {
  readonly kernels: readonly string[];
  /** Type of the output (default: that of the first input). */
  readonly dtype?: (call: KernelCall) => DataType;
  /** Strategies with partial inputs (default: none). */
  readonly partials?: (call: KernelCall) => readonly AxisStrategy[];
  /** Default: attributes decide nothing. */
  readonly attrsKey?: NonNullable<Rule["attrsKey"]>;
}

/** The rule of a family of pointwise kernels. */
export function pointwiseRule(family: PointwiseFamily): Rule {
  return {
    kernels: family.kernels,
    outputs: (call) => [
      {
        shape: broadcastShape(call.inputs.map((input) => input.shape)),
        dtype: family.dtype?.(call) ?? inputAt(call, 0).dtype,
      },
    ],
    strategies: (call) => [...splits(call), ...(family.partials?.(call) ?? [])],
    attrsKey: family.attrsKey ?? (() => ""),
  };
}

function splits(call: KernelCall): AxisStrategy[] {
  const output = broadcastShape(call.inputs.map((input) => input.shape));
  return output.map((_, dim) =>
    sharded(
      call.inputs.map((input) => alignedDim(input.shape, output, dim)),
      [dim],
    ),
  );
}

const UNARY = [
  ...[
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Ceil",
    "ClipByValue",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
  ],
  ...[
    "Exp",
    "Expm1",
    "Floor",
    "LeakyRelu",
    "Log",
    "Log1p",
    "Reciprocal",
    "Relu",
    "Relu6",
    "Round",
    "Rsqrt",
    "Selu",
  ],
  ...["Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Sqrt", "Square", "Step", "Tan", "Tanh"],
];
const BINARY = ["Atan2", "BitwiseAnd", "EluGrad", "Mod", "Pow", "Prelu", "SquaredDifference"];
const TO_BOOL = [
  ...["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"],
  ...["IsFinite", "IsInf", "IsNan", "LogicalAnd", "LogicalNot", "LogicalOr", "LogicalXor"],
];

/** Rules of all pointwise kernels of tfjs. */
export const pointwiseRules: readonly Rule[] = [
  pointwiseRule({ kernels: UNARY }),
  pointwiseRule({ kernels: BINARY }),
  { ...pointwiseRule({ kernels: ["FloorDiv"] }), local: floorDivide },
  pointwiseRule({ kernels: TO_BOOL, dtype: () => "bool" }),
  pointwiseRule({
    kernels: ["Add", "Sub", "AddN"],
    partials: (call) => [sumOfPartials(call)],
  }),
  pointwiseRule({
    kernels: ["Multiply"],
    partials: (call) => [...scaled(call, 0, 1), ...scaled(call, 1, 0)],
  }),
  pointwiseRule({
    kernels: ["RealDiv"],
    partials: (call) => (inputAt(call, 0).dtype === "float32" ? scaled(call, 0, 1) : []),
  }),
  pointwiseRule({
    kernels: ["Neg"],
    partials: () => [partial(["sum"], ["sum"]), partial(["max"], ["min"]), partial(["min"], ["max"])],
  }),
  pointwiseRule({
    kernels: ["Maximum", "Minimum"],
    partials: (call) => {
      const op = call.kernel === "Maximum" ? "max" : "min";
      return [partial([op, op], [op])];
    },
  }),
  pointwiseRule({
    kernels: ["Cast"],
    dtype: castType,
    partials: (call) => (castKeepsPartials(call) ? passPartials(1, 1) : []),
    attrsKey: (attrs) => String(attrs.dtype),
  }),
  {
    kernels: ["Select"],
    outputs: (call) => [
      {
        shape: inputAt(call, 1).shape,
        dtype: backend_util.upcastType(inputAt(call, 1).dtype, inputAt(call, 2).dtype),
      },
    ],
    // A condition of one dim over branches of several picks whole rows: not pointwise, so it is left to replication.
    strategies: (call) => (haveOneShape(call) ? selectStrategies(call) : []),
    attrsKey: () => "",
  },
];

/**
 * Adding single elements (squared norms of gradients, terms of a loss) makes the whole ones partial too, so that one
 * reduction of the total replaces one of each term.
 */
function sumOfPartials(call: KernelCall): AxisStrategy {
  const strategy = partial(
    call.inputs.map(() => "sum"),
    ["sum"],
  );
  const single = call.inputs.every((input) => numElements(input.shape) === 1);
  return single ? { ...strategy, makesPartial: true } : strategy;
}

/** Partial input `large` times or over the one-element input `scalar`. */
function scaled(call: KernelCall, large: number, scalar: number): AxisStrategy[] {
  if (numElements(inputAt(call, scalar).shape) !== 1) return [];
  return [
    partial(
      call.inputs.map((_, i) => (i === large ? "sum" : undefined)),
      ["sum"],
    ),
  ];
}

/** Of floats, tfjs' cpu backend gives int32 and the others float32; sharded, it is the type of the first input. */
function floorDivide(
  kernels: LocalKernels,
  [a, b]: readonly TensorInfo[],
  { outputs }: LocalCall,
): TensorInfo[] {
  const quotient = kernels.run("FloorDiv", { a: a!, b: b! });
  const { dtype } = outputs[0]!;
  if (quotient[0]!.dtype === dtype) return quotient;
  const cast = kernels.run("Cast", { x: quotient[0]! }, { dtype });
  kernels.dispose(quotient[0]!);
  return cast;
}

function castType(call: KernelCall): DataType {
  return call.attrs.dtype as DataType;
}

/** Truncating to int32 or bool does not commute with a sum; to float32, or to the same type, it does. */
function castKeepsPartials(call: KernelCall): boolean {
  const from = inputAt(call, 0).dtype;
  const to = castType(call);
  return from === to || (to === "float32" && from === "int32");
}

function haveOneShape(call: KernelCall): boolean {
  const first = inputAt(call, 0).shape.join();
  return call.inputs.every((input) => input.shape.join() === first);
}

function selectStrategies(call: KernelCall): AxisStrategy[] {
  return [...splits(call), ...PARTIAL_OPS.map((op) => partial([undefined, op, op], [op]))];
}
