/**
 * Saves small checkpoints one after the other until it is killed, and says so before every operation: one byte on stdout.
 */
import { writeSync } from "node:fs";
import { latestCheckpoint } from "../../src/checkpoint/checkpoint-folder.ts";
import { nodeFiles, type CheckpointFiles } from "../../src/checkpoint/files.ts";
import { readIndex } from "../../src/checkpoint/checkpoint-index.ts";
import { saveSmall } from "../../src/checkpoint/testing/small-save.ts";

const STDOUT = 1;

function tick(): void {
  writeSync(STDOUT, ".");
}

const files: CheckpointFiles = {
  ...nodeFiles,
  createFolder(folder) {
    tick();
    nodeFiles.createFolder(folder);
  },
  create(path) {
    tick();
    const file = nodeFiles.create(path);
    return {
      ...file,
      write(bytes) {
        tick();
        file.write(bytes);
      },
    };
  },
  rename(from, to) {
    tick();
    nodeFiles.rename(from, to);
  },
  remove(path) {
    tick();
    nodeFiles.remove(path);
  },
};

const dir = process.argv[2]!;
const latest = latestCheckpoint(dir);
let step = latest === undefined ? 0 : readIndex(nodeFiles, latest).step + 1;
for (;;) saveSmall(files, dir, step++, 2);
