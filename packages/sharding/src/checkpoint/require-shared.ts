/**
 * A checkpoint is written by all ranks into one folder: looks whether they see one, before any data is written.
 *
 * @packageDocumentation
 */
import { hostname } from "node:os";
import {
  abandonSave,
  CheckpointError,
  seesToken,
  type CheckpointFiles,
  type ProcessGroup,
  type SaveTarget,
} from "@meshwright/core";
import { agree } from "./agree.ts";

/**
 * Every rank looks for the token that rank 0 left in the folder. A collective: an all-reduce of 4 bytes.
 *
 * @throws CheckpointError on every rank if a rank does not see it; nothing stays of the save.
 */
export async function requireShared(
  group: ProcessGroup,
  files: CheckpointFiles,
  { token, ...target }: SaveTarget & { readonly token: number },
): Promise<void> {
  try {
    await agree(group, "saveCheckpoint: folder", () => {
      if (seesToken(files, target, token)) return;
      throw new CheckpointError(
        `saveCheckpoint: dir (${target.dir} on ${hostname()}) must be one folder on all hosts, but what rank 0 wrote to it is not there; use a folder that the hosts share, by the same path.`,
      );
    });
  } catch (error) {
    if (group.rank === 0) abandonSave(files, target);
    throw error;
  }
}
