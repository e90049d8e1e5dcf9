/**
 * What one training step must communicate, by the formulas of the papers. Pure.
 *
 * Legend: B = sequences and T = positions on a rank, D = features, L = blocks, p = ranks on an axis, S = bytes.
 *
 * | collective     | bytes sent per rank |
 * | -------------- | ------------------- |
 * | all-reduce     | 2S(p-1)/p           |
 * | all-gather     | S(p-1)/p            |
 * | reduce-scatter | S(p-1)/p            |
 * | send           | S                   |
 *
 * Everything that is reduced once per step fits one bucket (1 MiB).
 *
 * @packageDocumentation
 */
import type { LedgerTotal } from "@meshwright/core";
import { parametersOf, type ParameterFacts } from "./parameters.ts";
import {
  BATCH,
  GPT_SIZES,
  LLAMA_SIZES,
  POSITIONS,
  type ModelName,
  type Setting,
  type TrainingMesh,
} from "./settings.ts";

/** Collectives of one purpose. */
export interface Predicted extends LedgerTotal {
  /** What is communicated. */
  readonly what: string;
}

/** Which step of which rank. */
export interface StepQuestion {
  readonly model: ModelName;
  readonly setting: Setting;
  readonly rank: number;
}

const BYTES = 4;
type Axis = "dp" | "cp" | "tp";

/** Forward, backward, reduction, clipping, update, and reading the loss. */
export function predictStep(question: StepQuestion): readonly Predicted[] {
  return [
    ...activations(question),
    ...ring(question),
    ...gradients(question),
    ...parameters(question),
    ...scalar("gradient norm", question, ({ stage }) => [stage > 0 ? "dp" : undefined, "tp"]),
    ...scalar("loss", question, () => ["dp", "cp"]),
  ].filter(({ calls }) => calls > 0);
}

/** Sums of all purposes per group and collective, as a ledger counts them; in a fixed order. */
export function totalsOf(lines: readonly LedgerTotal[]): LedgerTotal[] {
  const totals = new Map<string, LedgerTotal>();
  for (const { group, collective, calls, bytesSent } of lines) {
    const key = `${group} ${collective}`;
    const known = totals.get(key) ?? { calls: 0, bytesSent: 0 };
    totals.set(key, {
      ...{ group, collective, calls: known.calls + calls },
      bytesSent: known.bytesSent + bytesSent,
    });
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
}

/**
 * Tensor parallelism, each of `[B, T, D]`: forward after the embedding and after attention and feed-forward module of each
 * block; backward before them and before the head. And the loss: the largest logit of each token, then the sum of
 * exponentials and the label's logit.
 */
function activations({ model, setting, rank }: StepQuestion): Predicted[] {
  const { mesh, sequenceParallel } = setting;
  const { features, layers } = sizesOf(model);
  const [dp] = coordinateOf(mesh, rank);
  const tokenBytes = (BYTES * partOf(BATCH, mesh.dp, dp) * POSITIONS) / mesh.cp;
  const activationBytes = tokenBytes * features;
  const calls = 1 + 2 * layers + 2 * layers + 1;
  const what = "activations";
  const moved = sequenceParallel
    ? [
        over(mesh, ["tp"], { collective: "reduceScatter", calls, bytes: calls * activationBytes, what }),
        over(mesh, ["tp"], { collective: "allGather", calls, bytes: calls * activationBytes, what }),
      ]
    : [over(mesh, ["tp"], { collective: "allReduce", calls, bytes: calls * activationBytes, what })];
  const tokens = { collective: "allReduce", calls: 2, bytes: 3 * tokenBytes, what: "cross-entropy" } as const;
  return [...moved, over(mesh, ["tp"], tokens)];
}

/** Context parallelism: keys and values visit all other ranks, forward and backward, where their gradients follow. */
function ring({ model, setting, rank }: StepQuestion): Predicted[] {
  const { mesh } = setting;
  const { layers } = sizesOf(model);
  const [dp] = coordinateOf(mesh, rank);
  const keyFeatures =
    model === "gpt" ? GPT_SIZES.features : LLAMA_SIZES.keyValueHeads * LLAMA_SIZES.headFeatures;
  const rows = partOf(BATCH, mesh.dp, dp);
  const bytes = (2 * BYTES * rows * (keyFeatures / mesh.tp) * POSITIONS) / mesh.cp;
  const calls = 3 * layers * (mesh.cp - 1);
  const what = "keys, values and their gradients";
  return [
    { group: "cp", collective: "send", calls, bytesSent: calls * bytes, what },
    { group: "cp", collective: "receive", calls, bytesSent: 0, what },
  ];
}

/**
 * Gradients that are partial over the same axes go in one bucket. From ZeRO-1 on each rank gets its part along dp, and
 * only parts of what is partial over tp, too, are reduced there.
 */
function gradients(question: StepQuestion): Predicted[] {
  const { mesh, sequenceParallel, stage } = question.setting;
  const what = "gradients";
  const reduced = (axes: readonly Axis[], bytes: number): Predicted =>
    over(mesh, axes, { collective: "allReduce", calls: bytes > 0 ? 1 : 0, bytes, what });
  const isAlsoOverTensors = (parameter: ParameterFacts): boolean =>
    sequenceParallel && parameter.isUsedBySequencePart === true;
  const alsoOverTensors = parameterBytes(question, isAlsoOverTensors);
  if (stage === 0) {
    const others = parameterBytes(question, (parameter) => !isAlsoOverTensors(parameter));
    return [reduced(["dp", "cp"], others), reduced(["dp", "cp", "tp"], alsoOverTensors)];
  }
  const isCut = canBeCut(question);
  const scattered = parameterBytes(question, isCut);
  return [
    over(mesh, ["dp"], { collective: "reduceScatter", calls: 1, bytes: scattered, what }),
    reduced(
      ["dp"],
      parameterBytes(question, (parameter) => !isCut(parameter)),
    ),
    reduced(["tp"], alsoOverTensors / mesh.dp),
  ];
}

/** ZeRO: at stages 1 and 2 once, after the update; at stage 3 for each kernel that reads one, forward and backward. */
function parameters(question: StepQuestion): Predicted[] {
  const { mesh, stage } = question.setting;
  const isCut = canBeCut(question);
  const gathered = (what: string, calls: number, counts: (parameter: ParameterFacts) => boolean): Predicted =>
    over(mesh, ["dp"], { collective: "allGather", calls, bytes: parameterBytes(question, counts), what });
  if (stage === 0) return [];
  if (stage < 3) return [gathered("parameters", 1, isCut)];
  const isRead = (parameter: ParameterFacts): boolean =>
    isCut(parameter) && parameter.isReadBackward === true;
  const numOf = (counts: (parameter: ParameterFacts) => boolean): number =>
    parametersOf(question.model).filter(counts).length;
  return [
    gathered("parameters, forward", numOf(isCut), isCut),
    gathered("parameters, backward", numOf(isRead), isRead),
  ];
}

/** ZeRO keeps whole what tp has cut along its only dim: dp, the earlier axis, would cut first. */
function canBeCut({ setting: { mesh } }: StepQuestion): (parameter: ParameterFacts) => boolean {
  return ({ shape, tensorDim }) => mesh.tp === 1 || shape.length > 1 || tensorDim === undefined;
}

/** A number that is partial over these axes. */
function scalar(
  what: string,
  { setting }: StepQuestion,
  axesOf: (setting: Setting) => readonly (Axis | undefined)[],
): Predicted[] {
  const axes = axesOf(setting).filter((axis) => axis !== undefined);
  return [over(setting.mesh, axes, { collective: "allReduce", calls: 1, bytes: BYTES, what })];
}

/** Bytes of the parameters that a rank has along dp. */
function parameterBytes(
  { model, setting: { mesh }, rank }: StepQuestion,
  counts: (parameter: ParameterFacts) => boolean = () => true,
): number {
  const [, , tp] = coordinateOf(mesh, rank);
  return parametersOf(model)
    .filter(counts)
    .reduce((sum, { shape, tensorDim }) => {
      const held = shape.map((size, dim) => (dim === tensorDim ? partOf(size, mesh.tp, tp) : size));
      return sum + BYTES * held.reduce((a, b) => a * b, 1);
    }, 0);
}

/** One kind of call over the ranks of several axes; none where these are one rank. `bytes` of all calls together. */
function over(
  mesh: TrainingMesh,
  axes: readonly Axis[],
  call: {
    readonly collective: "allReduce" | "allGather" | "reduceScatter";
    readonly calls: number;
    readonly bytes: number;
    readonly what: string;
  },
): Predicted {
  const split = axes.filter((axis) => mesh[axis] > 1);
  const numRanks = split.reduce((product, axis) => product * mesh[axis], 1);
  const factor = call.collective === "allReduce" ? 2 : 1;
  return {
    ...{ group: split.join("+"), collective: call.collective, what: call.what },
    calls: numRanks > 1 ? call.calls : 0,
    bytesSent: (factor * call.bytes * (numRanks - 1)) / numRanks,
  };
}

function sizesOf(model: ModelName): { readonly features: number; readonly layers: number } {
  return model === "gpt" ? GPT_SIZES : LLAMA_SIZES;
}

/** The last axis varies fastest. */
function coordinateOf({ cp, tp }: TrainingMesh, rank: number): [dp: number, cp: number, tp: number] {
  return [Math.floor(rank / (cp * tp)), Math.floor(rank / tp) % cp, rank % tp];
}

/** Of `size`, in parts of `ceil(size / numParts)`. */
function partOf(size: number, numParts: number, index: number): number {
  const largest = Math.ceil(size / numParts);
  return Math.max(0, Math.min(largest, size - index * largest));
}
