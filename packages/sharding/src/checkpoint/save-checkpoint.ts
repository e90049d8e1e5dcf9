/**
 * Saves a training: every rank writes its part, at once or while it trains on.
 *
 * @packageDocumentation
 */
import {
  abandonSave,
  beginSave,
  checkpointName,
  commitSave,
  configHash,
  leaveToken,
  nodeFiles,
  randomState,
  startWriter,
  writePart,
  type CheckpointFiles,
  type CommitOptions,
  type JsonValue,
  type PartToWrite,
  type SaveTarget,
} from "@meshwright/core";
import { shardedBackend } from "../backend/current.ts";
import { axisIndex, ranksAlong, type AxisName, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import { agree } from "./agree.ts";
import { checkSave } from "./check-save.ts";
import { optimizerRecord } from "./optimizer-state.ts";
import { requireShared } from "./require-shared.ts";
import { PendingCheckpoint } from "./pending-checkpoint.ts";
import { piecesToWrite, trainingTensors } from "./saved-tensors.ts";
import { namesOfEarlierStages } from "./tied-names.ts";
import type { TrainingState } from "./training-state.ts";

/** What a checkpoint holds. */
export interface SaveState extends TrainingState {
  /** Training steps done. It names the checkpoint's folder. */
  readonly step: number;
  /** Where the data is read on: whatever the data source needs, as JSON. The same on every rank. */
  readonly dataPosition?: JsonValue;
  /** Anything else, as JSON. The same on every rank. */
  readonly extra?: JsonValue;
}

/** How it is saved. */
export interface SaveOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** Write in a thread while the program goes on. Default false. */
  readonly async?: boolean;
  /** How many checkpoints of the folder stay, this one included. Default: all. */
  readonly keep?: number;
  /** The axis of a pipeline: ranks at different positions of it hold other parameters. */
  readonly pipelineAxis?: AxisName<Axes>;
  /** The file system, for tests. Only the real one can be written to by a thread. */
  readonly files?: CheckpointFiles;
}

/** A complete checkpoint. */
export interface SavedCheckpoint {
  /** `DIR/step-00000100` */
  readonly folder: string;
  /** Size of this rank's file. */
  readonly bytesWritten: number;
}

/**
 * Saves a training in `dir/step-N`, and returns once the checkpoint is complete and on the disk, or with `async: true` once
 * its values are copied. A collective: every rank calls it. All ranks see the same folder.
 *
 * Every rank writes one safetensors file with the parts that it holds; of what several ranks hold alike, one of them
 * writes it. Communication: four all-reduces of 4 bytes and a broadcast of 8, no tensor is moved (partial values excepted,
 * which are reduced). Memory: the copy of one tensor at a time; with `async`, of the rank's part of the checkpoint.
 *
 * A crash at any instant leaves the checkpoints before as they were; what it leaves of the new one is never read, and
 * removed by the next save. A save waits for an unfinished one of the same folder.
 *
 * @example
 * ```ts
 * await saveCheckpoint("checkpoints", { model, optimizer, step, dataPosition: { batch: step } }, { mesh, keep: 3 });
 *
 * const saving = await saveCheckpoint("checkpoints", { model, optimizer, step }, { mesh, async: true });
 * // ... steps of the training ...
 * await saving.finished();
 * ```
 * @throws CheckpointError on every rank if it failed on one (a full disk), with file and tensor; and before anything is
 *   written if `dir` is not the same folder on all hosts.
 */
export function saveCheckpoint<Axes extends MeshAxes>(
  dir: string,
  state: SaveState,
  options: SaveOptions<Axes> & { readonly async: true },
): Promise<PendingCheckpoint>;
export function saveCheckpoint<Axes extends MeshAxes>(
  dir: string,
  state: SaveState,
  options: SaveOptions<Axes> & { readonly async?: false },
): Promise<SavedCheckpoint>;
export async function saveCheckpoint(
  dir: string,
  state: SaveState,
  options: SaveOptions,
): Promise<SavedCheckpoint | PendingCheckpoint> {
  const { mesh, files = nodeFiles } = options;
  checkSave(state, options);
  const { unfinishedSaves } = shardedBackend("saveCheckpoint");
  await unfinishedSaves.get(dir)?.finished();
  const target = await chooseTarget(dir, state.step, { mesh, files });
  const part = describePart(state, options);
  const commit = { numParts: mesh.world.size, facts: factsOf(state, mesh), keep: options.keep };
  if (options.async !== true) return writeNow(target, { part, commit, mesh, files });
  const pieces = part.pieces.map(({ bytes, ...piece }) => ({ ...piece, data: bytes() }));
  const isLast = mesh.world.rank === 0;
  const writer = startWriter({ ...part, pieces, target, commit: isLast ? commit : undefined });
  const pending = new PendingCheckpoint(target, {
    ...{ group: mesh.world.group, writer, files },
    onFinished: () => {
      if (unfinishedSaves.get(dir) === pending) unfinishedSaves.delete(dir);
    },
  });
  unfinishedSaves.set(dir, pending);
  return pending;
}

/** Rank 0 prepares the folder and tells the others its name. */
async function chooseTarget(
  dir: string,
  step: number,
  { mesh, files }: { readonly mesh: DeviceMesh; readonly files: CheckpointFiles },
): Promise<SaveTarget> {
  const { group, rank } = mesh.world;
  const label = "saveCheckpoint";
  const begun = await agree(group, label, () => {
    if (rank !== 0) return undefined;
    const { revision, ...target } = beginSave(files, dir, step);
    return { revision, token: leaveToken(files, target) };
  });
  const words = Int32Array.of(begun?.revision ?? 0, begun?.token ?? 0);
  const [revision, token] = group.broadcast(words, { label });
  const target = { dir, name: checkpointName(step, revision!) };
  await requireShared(group, files, { ...target, token: token! });
  return target;
}

function describePart(state: SaveState, { mesh, pipelineAxis }: SaveOptions): PartToWrite {
  const { rank, size } = mesh.world;
  const tensors = new Map(trainingTensors("saveCheckpoint", state));
  if (pipelineAxis !== undefined) {
    for (const name of namesOfEarlierStages(mesh.group(pipelineAxis), tensors.keys())) tensors.delete(name);
  }
  return {
    part: rank,
    numParts: size,
    pieces: piecesToWrite(tensors, { rank, everywhere: sameStageRanks(mesh, pipelineAxis) }),
    optimizer: state.optimizer === undefined ? null : optimizerRecord(state.optimizer),
    random: randomState(state.model),
  };
}

/** The world ranks that run the same stage of the pipeline; all, without one. */
function sameStageRanks(mesh: DeviceMesh, pipelineAxis: string | undefined): readonly number[] {
  const without = pipelineAxis === undefined ? -1 : axisIndex(mesh, pipelineAxis, "saveCheckpoint");
  const axes = mesh.shape.map((_, axis) => axis).filter((axis) => axis !== without);
  return ranksAlong(mesh.shape, mesh.coordinate, axes);
}

function factsOf(
  { step, config, dataPosition = null, extra = null }: SaveState,
  mesh: DeviceMesh,
): CommitOptions["facts"] {
  const hash = config === undefined ? null : configHash(config);
  return { step, mesh: { ...mesh.axes }, configHash: hash, dataPosition, extra };
}

async function writeNow(
  target: SaveTarget,
  {
    part,
    commit,
    mesh,
    files,
  }: {
    readonly part: PartToWrite;
    readonly commit: CommitOptions;
    readonly mesh: DeviceMesh;
    readonly files: CheckpointFiles;
  },
): Promise<SavedCheckpoint> {
  const { group, rank } = mesh.world;
  try {
    const bytesWritten = await agree(group, "saveCheckpoint: parts", () => writePart(files, target, part));
    const folder = await agree(group, "saveCheckpoint: commit", () =>
      rank === 0 ? commitSave(files, target, commit) : undefined,
    );
    return { folder: folder ?? `${target.dir}/${target.name}`, bytesWritten };
  } catch (error) {
    if (rank === 0) abandonSave(files, target);
    throw error;
  }
}
