/**
 * Builds outputs whose elements along one dim come from other places of that dim, which may be split over ranks.
 *
 * Every rank keeps what stays, and one all-to-all brings the rest: only elements that change ranks are sent.
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { chunk } from "../layout.ts";
import { newLike } from "./reduce-pieces.ts";
import type { LocalKernels } from "./rule.ts";
import { mostSent, transfersBetween, type RunPlan, type Transfer } from "./runs.ts";
import { stridesAlong, type Strides } from "./split-dim.ts";

/** How to build the outputs. */
export interface DimExchange extends RunPlan {
  readonly dim: number;
  /** Local shape of each input. */
  readonly shapes: readonly (readonly number[])[];
  /** The ranks that share the dim; `undefined`: each holds it whole. */
  readonly group: ProcessGroup | undefined;
  /** What elements hold that no run reaches. Default 0. */
  readonly fill?: number;
  readonly label: string;
}

/**
 * One output per entry of `outputSizes`, owned by the caller. All inputs have the same other dims, and a group of ranks
 * has the same ones throughout.
 */
export function exchangeAlong(
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  exchange: DimExchange,
): TensorInfo[] {
  const { dim, group, outputSizes, fill = 0 } = exchange;
  const parts = group?.size ?? 1;
  const rank = group?.rank ?? 0;
  const { dtype } = inputs[0]!;
  const received = group === undefined ? [] : exchangePieces(kernels, inputs, exchange, group);
  const own = transfersBetween(exchange, parts, rank, rank);
  const inputStrides = exchange.shapes.map((shape) => stridesAlong(shape, dim));
  return outputSizes.map((whole, output) => {
    const outputShape = exchange.shapes[0]!.with(dim, chunk(whole, parts, rank).size);
    const strides = stridesAlong(outputShape, dim);
    return kernels.create(outputShape, dtype, (out) => {
      out.fill(fill);
      for (const transfer of own) {
        if (transfer.output !== output) continue;
        const from = { data: kernels.view(inputs[transfer.input]!), strides: inputStrides[transfer.input]! };
        copyTransfer(from, { data: out, strides }, transfer);
      }
      for (const { transfer, data } of received) {
        if (transfer.output !== output) continue;
        const packed = { data, strides: { ...strides, size: transfer.length } };
        copyTransfer(packed, { data: out, strides }, { ...transfer, from: 0, step: 1 });
      }
    });
  });
}

/** What another rank sent, packed as `[outer, length, inner]`. */
interface Received {
  readonly transfer: Transfer;
  readonly data: NumericArray;
}

function exchangePieces(
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  exchange: DimExchange,
  group: ProcessGroup,
): Received[] {
  const { dim, label } = exchange;
  const { size, rank } = group;
  if (mostSent(exchange, size) === 0) return [];
  const sources = inputs.map((info, i) => ({
    data: kernels.view(info),
    strides: stridesAlong(exchange.shapes[i]!, dim),
  }));
  const { outer, inner } = sources[0]!.strides;
  const others = Array.from({ length: size }, (_, other) => other);
  const sends = others.map((to) => (to === rank ? [] : transfersBetween(exchange, size, rank, to)));
  const receives = others.map((from) => (from === rank ? [] : transfersBetween(exchange, size, from, rank)));
  const countOf = (transfers: readonly Transfer[]): number =>
    transfers.reduce((sum, { length }) => sum + outer * length * inner, 0);
  const send = newLike(sources[0]!.data, countOf(sends.flat()));
  walk(send, sends.flat(), outer * inner, (transfer, data) => {
    const packed = { data, strides: { outer, size: transfer.length, inner } };
    copyTransfer(sources[transfer.input]!, packed, { ...transfer, to: 0 });
  });
  const pieces = group.allToAll(send, {
    sendCounts: sends.map(countOf),
    receiveCounts: receives.map(countOf),
    label,
  });
  const received: Received[] = [];
  walk(pieces, receives.flat(), outer * inner, (transfer, data) => received.push({ transfer, data }));
  return received;
}

/** Visits each transfer with its part of the packed array. */
function walk(
  packed: NumericArray,
  transfers: readonly Transfer[],
  perElement: number,
  visit: (transfer: Transfer, data: NumericArray) => void,
): void {
  let at = 0;
  for (const transfer of transfers) {
    visit(transfer, packed.subarray(at, at + transfer.length * perElement));
    at += transfer.length * perElement;
  }
}

interface Strided {
  readonly data: NumericArray;
  readonly strides: Strides;
}

function copyTransfer(source: Strided, target: Strided, { from, step, to, length }: Transfer): void {
  const { outer, inner } = target.strides;
  for (let o = 0; o < outer; o++) {
    const start = (o * source.strides.size + from) * inner;
    const into = (o * target.strides.size + to) * inner;
    if (step === 1) {
      target.data.set(source.data.subarray(start, start + length * inner), into);
      continue;
    }
    for (let i = 0; i < length; i++) {
      const at = start + i * step * inner;
      for (let k = 0; k < inner; k++) target.data[into + i * inner + k] = source.data[at + k]!;
    }
  }
}
