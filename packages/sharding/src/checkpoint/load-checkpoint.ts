/**
 * Loads a training, on any mesh: every rank reads the byte ranges of its parts.
 *
 * @packageDocumentation
 */
import {
  CheckpointError,
  CheckpointReader,
  configHash,
  nodeFiles,
  restoreRandomState,
  type CheckpointFiles,
  type CheckpointIndex,
  type JsonValue,
} from "@meshwright/core";
import type { DeviceMesh, MeshAxes } from "../mesh.ts";
import { agree } from "./agree.ts";
import { loadTargets, type LoadTargets } from "./load-targets.ts";
import { fillTarget, planReads, verifyShare } from "./read-plan.ts";
import type { TrainingState } from "./training-state.ts";

/** How a checkpoint is loaded. */
export interface LoadOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /**
   * Whether bytes are compared with their hashes. A piece that some rank reads whole is checked while it is read; one that
   * ranks read in parts only is read once more, by one of them, for its hash. Default true.
   */
  readonly verify?: boolean;
  /** The file system, for tests. */
  readonly files?: CheckpointFiles;
}

/** What was loaded. */
export interface LoadedCheckpoint {
  /** The checkpoint's folder. */
  readonly folder: string;
  readonly step: number;
  readonly dataPosition: JsonValue;
  readonly extra: JsonValue;
  /** The mesh that saved it. */
  readonly savedOn: Readonly<Record<string, number>>;
  /** Bytes that this rank read: headers of files, elements of its parts, elements read for their hashes alone. */
  readonly bytesRead: { readonly header: number; readonly data: number; readonly verification: number };
}

/**
 * Loads the checkpoint in `path` (its folder, or a folder of checkpoints, of which it takes the latest) into a model, its
 * optimizer and its random layers. A collective: every rank calls it. The mesh may be any, and need not be the one that
 * saved; on the same mesh, a training goes on with the same bits as if it had not stopped.
 *
 * The model need not be initialized: parameters are filled, each rank's part only. Each rank reads the byte ranges of its
 * parts and nothing else (see `verify`). Communication: which tensors and pieces are read, one byte each, and 16 bytes.
 *
 * Names, shapes, element types and files are checked before anything is changed; a hash that differs is found while values
 * are filled in, so that a model is half loaded if this throws.
 *
 * @example
 * ```ts
 * const model = parallelGPT({ mesh, axis: "tp", ...sizes });
 * initialize(model, { seed: 1 });
 * const optimizer = new AdamW(namedParameters(model));
 * const { step } = await loadCheckpoint("checkpoints", { model, optimizer }, { mesh });
 * ```
 * @throws CheckpointError on every rank, naming file and tensor: no checkpoint, a tensor that is missing, too many, of
 * another shape or element type, a file that is missing, cut short or altered, another configuration.
 */
export async function loadCheckpoint<Axes extends MeshAxes>(
  path: string,
  state: TrainingState,
  options: LoadOptions<Axes>,
): Promise<LoadedCheckpoint> {
  const { mesh, verify = true, files = nodeFiles } = options;
  const { group } = mesh.world;
  const reader = await agree(group, "loadCheckpoint: index", () => new CheckpointReader(path, files));
  try {
    const targets = await agree(group, "loadCheckpoint: plan", () => {
      checkConfig(state, reader);
      return loadTargets(state, reader);
    });
    const plan = await planReads(reader, targets, { group, verify });
    const verification = await agree(group, "loadCheckpoint: hashes", () => verifyShare(reader, plan));
    await agree(group, "loadCheckpoint: values", () => {
      fillAll(reader, targets, verify);
    });
    if (reader.index.random !== null) restoreRandomState(state.model, reader.index.random);
    return resultOf(reader, verification);
  } finally {
    reader.close();
  }
}

function fillAll(reader: CheckpointReader, { targets, finish }: LoadTargets, verify: boolean): void {
  for (const target of targets) fillTarget(reader, target, verify);
  finish();
}

function checkConfig({ config }: TrainingState, { index, folder }: CheckpointReader): void {
  if (config === undefined || index.configHash === null) return;
  const hash = configHash(config);
  if (hash === index.configHash) return;
  throw new CheckpointError(
    `loadCheckpoint: config (hash ${hash.slice(0, 8)}...) must be the one that ${folder} was saved with (hash ${index.configHash.slice(0, 8)}...); use the settings of that run, or leave config out.`,
  );
}

function resultOf(reader: CheckpointReader, verification: number): LoadedCheckpoint {
  const { step, dataPosition, extra, mesh }: CheckpointIndex = reader.index;
  const { header, data } = reader.bytesRead;
  const bytesRead = { header, data: data - verification, verification };
  return { folder: reader.folder, step, dataPosition, extra, savedOn: mesh, bytesRead };
}
