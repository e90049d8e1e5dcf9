/**
 * A checkpoint that is being written while the program goes on.
 *
 * @packageDocumentation
 */
import {
  abandonSave,
  type BackgroundWriter,
  type CheckpointFiles,
  type ProcessGroup,
  type SaveTarget,
} from "@meshwright/core";
import { agree } from "./agree.ts";
import type { SavedCheckpoint } from "./save-checkpoint.ts";

/**
 * What `saveCheckpoint` with `async: true` returns. The checkpoint becomes complete by itself, as soon as all ranks have
 * written their parts; `finished` says when, and whether it failed.
 */
export class PendingCheckpoint {
  readonly #target: SaveTarget;
  readonly #group: ProcessGroup;
  readonly #writer: BackgroundWriter;
  readonly #files: CheckpointFiles;
  readonly #onFinished: () => void;
  #finished: Promise<SavedCheckpoint> | undefined;

  constructor(
    target: SaveTarget,
    parts: {
      readonly group: ProcessGroup;
      readonly writer: BackgroundWriter;
      readonly files: CheckpointFiles;
      readonly onFinished: () => void;
    },
  ) {
    this.#target = target;
    this.#group = parts.group;
    this.#writer = parts.writer;
    this.#files = parts.files;
    this.#onFinished = parts.onFinished;
  }

  /**
   * Waits until the checkpoint is complete and the writer threads are gone. A collective: every rank calls it. Calls after
   * the first return the same.
   *
   * @throws CheckpointError on every rank if a rank could not write its part (a full disk); there is no checkpoint then.
   */
  finished(): Promise<SavedCheckpoint> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  async #finish(): Promise<SavedCheckpoint> {
    const { dir, name } = this.#target;
    const isCommitter = this.#group.rank === 0;
    try {
      const bytesWritten = await agree(this.#group, "saveCheckpoint: parts", () => this.#writer.written);
      const folder = await agree(this.#group, "saveCheckpoint: commit", () =>
        isCommitter ? this.#writer.committed : undefined,
      );
      return { folder: folder ?? `${dir}/${name}`, bytesWritten };
    } catch (error) {
      this.#writer.giveUp();
      await this.#writer.ended;
      if (isCommitter) abandonSave(this.#files, this.#target);
      throw error;
    } finally {
      await this.#writer.ended;
      this.#onFinished();
    }
  }
}
