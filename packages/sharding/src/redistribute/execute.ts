/**
 * Carries out moves on a rank's local data. Everything that depends on shapes is worked out once, by `compileMove`.
 *
 * @packageDocumentation
 */
import type { Engine, NumericArray, ProcessGroup } from "@meshwright/core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { numElements, regionOf, type Region } from "../layout.ts";
import { formatPlacement, type Placement } from "../placement.ts";
import { boxesOf, packBoxes, unpackBoxes } from "./boxes.ts";
import { copyRegion } from "./copy-region.ts";
import { memberCoordinates, regionsOf, type MovedTensor } from "./move-bytes.ts";
import { changedAxes, type Move } from "./move.ts";
import { transfersBetween } from "./transfers.ts";

/** One rank's place in a move. */
export interface MoveContext {
  readonly tensor: MovedTensor;
  readonly dtype: DataType;
  /** This rank's position along each axis. */
  readonly coordinate: readonly number[];
  /** The ranks along `move.axes`; a local move has none. */
  readonly group: ProcessGroup | undefined;
}

/** Writes a rank's part after the move into `out`. `data` is its part before. */
type Run = (data: NumericArray, out: NumericArray) => void;

/** A move, ready to be carried out on one rank. */
export interface CompiledMove {
  /** Shape of the rank's part after the move. */
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly run: Run;
}

/** The way from one layout to another, worked out once per pair. */
export interface CompiledPath {
  readonly moves: readonly CompiledMove[];
  /** Bytes that this rank sends, as the ledger counts them. */
  readonly bytesSent: number;
}

/** Prepares a move for the rank at `context.coordinate`. */
export function compileMove(move: Move, context: MoveContext): CompiledMove {
  const { tensor, dtype, coordinate } = context;
  const after = regionOf(tensor.shape, move.to, tensor.meshShape, coordinate);
  return { shape: after.shape, dtype, run: runOf(move, context, after) };
}

/** Makes the local tensor after the move out of the one before it. Both stay owned by the caller. */
export function executeMove(
  local: TensorInfo,
  { shape, dtype, run }: CompiledMove,
  engine: Engine,
): TensorInfo {
  return engine.create(shape, dtype, (out) => {
    // Taken inside `fill`: allocating the output may have moved the engine's memory.
    run(engine.view(local), out);
  });
}

function runOf(move: Move, context: MoveContext, after: Region): Run {
  const { tensor, coordinate, group } = context;
  if (move.kind === "local" || group === undefined) return localRun(move, context, after);
  const label = labelOf(move, context);
  const members = memberCoordinates(tensor.meshShape, move.axes, coordinate);
  const have = regionsOf(tensor, move.from, members);
  switch (move.kind) {
    case "allReduce": {
      const op = opOf(move);
      return (data, out) => void group.allReduce(data, { op, into: out, label });
    }
    case "allGather": {
      const counts = have.map(({ shape }) => numElements(shape));
      const pieces = boxesOf(after, have);
      if (pieces.isWhole) return (data, out) => void group.allGather(data, { counts, into: out, label });
      return (data, out) => {
        unpackBoxes(group.allGather(data, { counts, label }), out, pieces);
      };
    }
    case "reduceScatter": {
      const op = opOf(move);
      const pieces = boxesOf(have[group.rank]!, regionsOf(tensor, move.to, members));
      const counts = pieces.boxes.map(({ shape }) => numElements(shape));
      return (data, out) =>
        void group.reduceScatter(packBoxes(data, pieces), { op, counts, into: out, label });
    }
    case "allToAll":
      return exchangeRun(have, regionsOf(tensor, move.to, members), group, label);
  }
}

/** A slice, zeros for `Partial("sum")` on all ranks but the first, or a copy. */
function localRun(move: Move, { tensor, coordinate }: MoveContext, after: Region): Run {
  const changed = changedAxes(move.from, move.to);
  const [first] = changed.map((axis) => move.to[axis]!);
  if (first?.kind === "partial") {
    const keepsValue = first.op !== "sum" || changed.every((axis) => coordinate[axis] === 0);
    return (data, out) => {
      if (keepsValue) out.set(data);
      else out.fill(0);
    };
  }
  const before = regionOf(tensor.shape, move.from, tensor.meshShape, coordinate);
  return copyRun(before, after, after);
}

/** Copies a box that lies in the parts before and after. */
function copyRun(before: Region, after: Region, box: Region): Run {
  const offsetIn = (region: Region): number[] => box.offset.map((at, dim) => at - region.offset[dim]!);
  const [from, to] = [offsetIn(before), offsetIn(after)];
  return (data, out) => {
    copyRegion(
      { data, shape: before.shape, offset: from },
      { data: out, shape: after.shape, offset: to },
      box.shape,
    );
  };
}

/** An all-to-all: every rank sends the boxes that it is asked for. What it keeps goes along only if that saves a copy. */
function exchangeRun(
  have: readonly Region[],
  want: readonly Region[],
  group: ProcessGroup,
  label: string,
): Run {
  const { rank, size } = group;
  const transfers = transfersBetween(have, want);
  const outgoing = transfers.filter(({ sender }) => sender === rank);
  const incoming = transfers.filter(({ receiver }) => receiver === rank).sort((a, b) => a.sender - b.sender);
  const boxes = (list: typeof transfers): Region[] => list.map(({ box }) => box);
  const keepsApart = !(
    boxesOf(have[rank]!, boxes(outgoing)).isWhole || boxesOf(want[rank]!, boxes(incoming)).isWhole
  );
  const isMoved = ({ sender, receiver }: (typeof transfers)[number]): boolean =>
    !keepsApart || sender !== receiver;
  const sent = boxesOf(have[rank]!, boxes(outgoing.filter(isMoved)));
  const received = boxesOf(want[rank]!, boxes(incoming.filter(isMoved)));
  const countsBy = (list: typeof transfers, side: "sender" | "receiver"): number[] => {
    const counts = new Array<number>(size).fill(0);
    for (const transfer of list.filter(isMoved)) counts[transfer[side]]! += numElements(transfer.box.shape);
    return counts;
  };
  const options = {
    sendCounts: countsBy(outgoing, "receiver"),
    receiveCounts: countsBy(incoming, "sender"),
    label,
  };
  const kept = keepsApart ? outgoing.find(({ receiver }) => receiver === rank) : undefined;
  const keep = kept && copyRun(have[rank]!, want[rank]!, kept.box);
  return (data, out) => {
    const send = packBoxes(data, sent);
    if (received.isWhole) group.allToAll(send, { ...options, into: out });
    else unpackBoxes(group.allToAll(send, options), out, received);
    keep?.(data, out);
  };
}

function opOf(move: Move): "sum" | "max" | "min" {
  const partial = move.from[changedAxes(move.from, move.to)[0]!]!;
  return partial.kind === "partial" ? partial.op : "sum";
}

/** What the ledger and error messages call the move; the same on every rank. */
function labelOf(move: Move, { tensor, dtype }: MoveContext): string {
  const along = (placements: readonly Placement[]): string =>
    move.axes.map((axis) => formatPlacement(placements[axis]!)).join(", ");
  return `redistribute ${along(move.from)} to ${along(move.to)} of ${dtype}[${tensor.shape.join(", ")}]`;
}
