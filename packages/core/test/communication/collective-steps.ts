/**
 * Collectives as plain data: a step says what every member of a group calls, and a loop says what comes out.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "../../src/collectives/process-group.ts";
import type { NumericArray, ReduceOp } from "../../src/transport/transport.ts";

export type DType = "float32" | "int32" | "bool";

/** `ranks` are world ranks; counts are per position in the group. */
export type Step = { readonly ranks: readonly number[]; readonly dtype: DType } & (
  | { readonly kind: "allReduce"; readonly length: number; readonly op: ReduceOp }
  | { readonly kind: "allGather"; readonly counts: readonly number[] }
  | { readonly kind: "reduceScatter"; readonly counts: readonly number[]; readonly op: ReduceOp }
  /** `counts[from][to]`. */
  | { readonly kind: "allToAll"; readonly counts: readonly (readonly number[])[] }
  | { readonly kind: "broadcast"; readonly length: number; readonly root: number }
  | {
      readonly kind: "message";
      readonly length: number;
      readonly from: number;
      readonly to: number;
      readonly tag: number;
    }
  | { readonly kind: "barrier" }
);

export function arrayOf(dtype: DType, length: number): NumericArray {
  if (dtype === "float32") return new Float32Array(length);
  return dtype === "int32" ? new Int32Array(length) : new Uint8Array(length);
}

/** What position `rank` puts into step `index`: numbers that differ between ranks, steps and elements. */
export function inputOf(step: Step, index: number, rank: number): NumericArray {
  const input = arrayOf(step.dtype, inputLength(step, rank));
  for (let at = 0; at < input.length; at++) {
    const value = (at * 31 + index * 17 + rank * 101 + ((at * at + rank) % 7)) % 1009;
    input[at] =
      step.dtype === "float32" ? (value - 500) / 7 : step.dtype === "int32" ? value - 500 : value % 2;
  }
  return input;
}

function inputLength(step: Step, rank: number): number {
  switch (step.kind) {
    case "allGather":
      return step.counts[rank]!;
    case "reduceScatter":
      return sum(step.counts);
    case "allToAll":
      return sum(step.counts[rank]!);
    case "barrier":
      return 0;
    case "allReduce":
    case "broadcast":
    case "message":
      return step.length;
  }
}

/** What position `rank` gets out of step `index`, by plain loops. */
export function expectedOf(step: Step, index: number, rank: number): NumericArray {
  const inputs = step.ranks.map((_, position) => inputOf(step, index, position));
  switch (step.kind) {
    case "allReduce":
      return reduced(step.dtype, inputs, step.op);
    case "allGather":
      return concatenated(step.dtype, inputs);
    case "reduceScatter": {
      const start = sum(step.counts.slice(0, rank));
      return reduced(step.dtype, inputs, step.op).slice(start, start + step.counts[rank]!);
    }
    case "allToAll":
      return concatenated(
        step.dtype,
        inputs.map((input, from) => {
          const start = sum(step.counts[from]!.slice(0, rank));
          return input.slice(start, start + step.counts[from]![rank]!);
        }),
      );
    case "broadcast":
      return inputs[step.root]!;
    case "message":
      return inputs[rank === step.to ? step.from : rank]!;
    case "barrier":
      return inputs[rank]!;
  }
}

/** Makes the call of `step` on this rank and returns what came out. */
export function perform(group: ProcessGroup, step: Step, index: number): NumericArray {
  const { rank } = group;
  const input = inputOf(step, index, rank);
  switch (step.kind) {
    case "allReduce": {
      if (index % 2 === 0) return group.allReduce(input, { op: step.op });
      const into = group.allReduce(input, { op: step.op, into: arrayOf(step.dtype, step.length).fill(1) });
      // What it was given must be as it was.
      const given = inputOf(step, index, rank);
      return input.every((value, at) => value === given[at]) ? into : arrayOf(step.dtype, 0);
    }
    case "allGather":
      return group.allGather(input, { counts: step.counts });
    case "reduceScatter":
      return group.reduceScatter(input, { counts: step.counts, op: step.op });
    case "allToAll":
      return group.allToAll(input, {
        sendCounts: step.counts[rank]!,
        receiveCounts: step.counts.map((row) => row[rank]!),
      });
    case "broadcast":
      return group.broadcast(input, { root: step.root });
    case "message":
      if (rank === step.from) group.send(input, step.to, { tag: step.tag });
      if (rank === step.to) group.receive(input, step.from, { tag: step.tag });
      return input;
    case "barrier":
      group.barrier();
      return input;
  }
}

function reduced(dtype: DType, inputs: readonly NumericArray[], op: ReduceOp): NumericArray {
  const result = arrayOf(dtype, inputs[0]!.length);
  // Float32 rounds after every addition, as the ranks do; integers add exactly.
  const round = dtype === "float32" ? Math.fround : (value: number) => value;
  for (let at = 0; at < result.length; at++) {
    let value = inputs[0]![at]!;
    for (const input of inputs.slice(1)) {
      const next = input[at]!;
      if (op === "max") value = Math.max(value, next);
      else if (op === "min") value = Math.min(value, next);
      else value = round(value + next);
    }
    result[at] = op === "avg" ? value / inputs.length : value;
  }
  return result;
}

function concatenated(dtype: DType, parts: readonly NumericArray[]): NumericArray {
  const result = arrayOf(dtype, sum(parts.map((part) => part.length)));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
