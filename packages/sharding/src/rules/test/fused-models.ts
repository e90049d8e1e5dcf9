/**
 * Float64 models of Meshwright's fused kernels (and of `LogSoftmax`, which tfjs' cpu backend lacks), as cpu kernels.
 *
 * They restate the formulas independently of the kernels in core, and read no attribute that the rules do not pass on.
 *
 * @packageDocumentation
 */
import {
  backend,
  getKernel,
  registerKernel,
  tensor,
  type KernelFunc,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { numElements } from "../../layout.ts";

type Values = Record<string, Float32Array | Int32Array>;
type Shapes = Record<string, number[]>;
type Attrs = Readonly<Record<string, unknown>>;
type Output = readonly [shape: number[], values: ArrayLike<number>];
type Model = (values: Values, shapes: Shapes, attrs: Attrs) => Output[];

/** Registers the models for the cpu backend; what is registered stays. */
export function registerFusedModels(): void {
  for (const [kernelName, model] of Object.entries(MODELS)) {
    const existing: unknown = getKernel(kernelName, "cpu");
    if (existing === undefined)
      registerKernel({ kernelName, backendName: "cpu", kernelFunc: kernelOf(model) });
  }
}

function kernelOf(model: Model): KernelFunc {
  return ({ inputs, attrs }) => {
    const infos = Object.entries(inputs as Record<string, TensorInfo>);
    const values = Object.fromEntries(
      infos.map(([name, info]) => [name, backend().readSync(info.dataId) as Float32Array]),
    );
    const shapes = Object.fromEntries(infos.map(([name, info]) => [name, info.shape]));
    const outputs = model(values, shapes, (attrs ?? {}) as Attrs).map(([shape, data]) =>
      tensor(Float32Array.from(data), shape, "float32"),
    );
    return outputs.length === 1 ? outputs[0]! : outputs;
  };
}

const EPSILON = 1e-5;

const MODELS: Readonly<Record<string, Model>> = {
  LayerNorm: ({ x, gamma, beta }, shapes) => {
    const y = new Float64Array(x!.length);
    const stats = rows(x!, shapes.x!).map((row) => moments(row, true));
    eachOf(x!, gamma!.length, (i, row, column) => {
      y[i] = (x![i]! - stats[row]!.mean) * stats[row]!.rstd * gamma![column]! + beta![column]!;
    });
    const lead = shapes.x!.slice(0, -1);
    return [
      [shapes.x!, y],
      [lead, stats.map((stat) => stat.mean)],
      [lead, stats.map((stat) => stat.rstd)],
    ];
  },
  LayerNormGrad: ({ dy, x, gamma, mean, rstd }, shapes) => {
    const n = Float64Array.from(x!);
    eachOf(x!, gamma!.length, (i, row) => {
      n[i] = (x![i]! - mean![row]!) * rstd![row]!;
    });
    return [...normGrad({ dy: dy!, n, gamma: gamma!, rstd: rstd!, centred: true }, shapes)];
  },
  RMSNorm: ({ x, gamma }, shapes) => {
    const y = new Float64Array(x!.length);
    const stats = rows(x!, shapes.x!).map((row) => moments(row, false));
    eachOf(x!, gamma!.length, (i, row, column) => {
      y[i] = x![i]! * stats[row]!.rstd * gamma![column]!;
    });
    return [
      [shapes.x!, y],
      [shapes.x!.slice(0, -1), stats.map((stat) => stat.rstd)],
    ];
  },
  RMSNormGrad: ({ dy, x, gamma, rstd }, shapes) => {
    const n = Float64Array.from(x!);
    eachOf(x!, gamma!.length, (i, row) => {
      n[i] = x![i]! * rstd![row]!;
    });
    return normGrad({ dy: dy!, n, gamma: gamma!, rstd: rstd!, centred: false }, shapes).slice(0, 2);
  },
  Gelu: ({ x }, shapes) => [[shapes.x!, Array.from(x!, (v) => v / (1 + Math.exp(-1.702 * v)))]],
  GeluGrad: ({ dy, x }, shapes) => [
    [shapes.x!, Array.from(x!, (v, i) => dy![i]! / (1 + Math.exp(-1.702 * v)))],
  ],
  LogSoftmax: ({ logits }, shapes) => {
    const all = rows(logits!, shapes.logits!).flatMap((row) => row.map((v) => v - logSumExp(row)));
    return [[shapes.logits!, all]];
  },
  CausalSoftmax: ({ x }, shapes) => {
    const [queries, keys] = shapes.x!.slice(-2) as [number, number];
    const all = rows(x!, shapes.x!).flatMap((row, at) => {
      const seen = (at % queries) + 1 + keys - queries;
      const total = logSumExp(row.slice(0, seen));
      return row.map((v, column) => (column < seen ? Math.exp(v - total) : 0));
    });
    return [[shapes.x!, all]];
  },
  CausalSoftmaxGrad: ({ dy, y }, shapes) => {
    const dys = rows(dy!, shapes.y!);
    const all = rows(y!, shapes.y!).flatMap((row, at) => {
      const inner = row.reduce((sum, v, i) => sum + v * dys[at]![i]!, 0);
      return row.map((v, i) => v * (dys[at]![i]! - inner));
    });
    return [[shapes.y!, all]];
  },
  Dropout: ({ x }, shapes, attrs) => {
    const { globalShape, offset, key } = attrs as { globalShape: number[]; offset: number[]; key: number };
    const all = Array.from(x!, (v, i) => v * ((globalIndex(i, shapes.x!, globalShape, offset) * key) % 5));
    return [[shapes.x!, all]];
  },
  AdamWUpdate: ({ parameter, gradient, m, v }, shapes, attrs) => {
    const rate = attrs.learningRate as number;
    const newM = Array.from(m!, (old, i) => 0.75 * old + 0.25 * gradient![i]!);
    const newV = Array.from(v!, (old, i) => 0.5 * old + 0.5 * gradient![i]! ** 2);
    const moved = Array.from(
      parameter!,
      (p, i) => p - (rate * newM[i]!) / (Math.sqrt(Math.abs(newV[i]!)) + 1),
    );
    const shape = shapes.parameter!;
    return [
      [shape, moved],
      [shape, newM],
      [shape, newV],
    ];
  },
};

function rows(values: ArrayLike<number>, shape: readonly number[]): number[][] {
  const width = shape.at(-1)!;
  return Array.from({ length: numElements(shape.slice(0, -1)) }, (_, row) =>
    Array.from({ length: width }, (_, column) => values[row * width + column]!),
  );
}

function moments(row: readonly number[], centred: boolean): { mean: number; rstd: number } {
  const mean = centred ? row.reduce((a, b) => a + b, 0) / row.length : 0;
  const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
  return { mean, rstd: 1 / Math.sqrt(variance + EPSILON) };
}

function eachOf(
  values: ArrayLike<number>,
  width: number,
  visit: (i: number, row: number, column: number) => void,
): void {
  for (let i = 0; i < values.length; i++) visit(i, Math.floor(i / width), i % width);
}

interface NormGradInputs {
  readonly dy: ArrayLike<number>;
  readonly n: Float64Array;
  readonly gamma: ArrayLike<number>;
  readonly rstd: ArrayLike<number>;
  readonly centred: boolean;
}

function normGrad({ dy, n, gamma, rstd, centred }: NormGradInputs, shapes: Shapes): Output[] {
  const width = gamma.length;
  const dgamma = new Float64Array(width);
  const dbeta = new Float64Array(width);
  const sums = Array.from(rstd, () => ({ g: 0, gn: 0 }));
  eachOf(dy, width, (i, row, column) => {
    dgamma[column]! += dy[i]! * n[i]!;
    dbeta[column]! += dy[i]!;
    sums[row]!.g += dy[i]! * gamma[column]!;
    sums[row]!.gn += dy[i]! * gamma[column]! * n[i]!;
  });
  const dx = new Float64Array(dy.length);
  eachOf(dy, width, (i, row, column) => {
    const mean = centred ? sums[row]!.g / width : 0;
    dx[i] = rstd[row]! * (dy[i]! * gamma[column]! - mean - (n[i]! * sums[row]!.gn) / width);
  });
  return [
    [shapes.x!, dx],
    [shapes.gamma!, dgamma],
    [shapes.gamma!, dbeta],
  ];
}

function logSumExp(row: readonly number[]): number {
  return Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
}

function globalIndex(
  local: number,
  shape: readonly number[],
  globalShape: readonly number[],
  offset: readonly number[],
): number {
  let rest = local;
  let index = 0;
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    index += ((rest % shape[dim]!) + offset[dim]!) * stride;
    rest = Math.floor(rest / shape[dim]!);
    stride *= globalShape[dim]!;
  }
  return index;
}
