/**
 * What checkpoints need of a file system. All calls are synchronous: they run where a rank waits anyway, or in the
 * writer thread.
 *
 * @packageDocumentation
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";

/** A file being written, from its start. */
export interface WritableFile {
  /** Appends all of `bytes`. */
  write(bytes: Uint8Array): void;
  /** Returns once everything written is on the disk. */
  sync(): void;
  close(): void;
}

/** An open file. */
export interface ReadableFile {
  readonly size: number;
  /** Fills `into` from byte `position` on; returns how many bytes there were. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

/** A file system. Tests replace it by one that fails, or forgets what was not synced. */
export interface CheckpointFiles {
  exists(path: string): boolean;
  /** Names in a folder; none if it does not exist. */
  list(folder: string): readonly string[];
  /** When a file was last written, in milliseconds; 0 if it does not exist. */
  modifiedMs(path: string): number;
  /** Creates the folder and those above it, unless they exist. */
  createFolder(folder: string): void;
  /** Creates a file, or empties it. */
  create(path: string): WritableFile;
  open(path: string): ReadableFile;
  /** Atomic. An existing file is replaced, an existing folder is not. */
  rename(from: string, to: string): void;
  /** Removes a file, or a folder with all in it. It need not exist. */
  remove(path: string): void;
  /** Returns once the names in the folder are on the disk. */
  syncFolder(folder: string): void;
}

/** Node refuses reads and writes of 2 GiB and more. */
const MAX_TRANSFER_BYTES = 2 ** 26;

/** The real file system. */
export const nodeFiles: CheckpointFiles = Object.freeze({
  exists: existsSync,
  list: (folder: string) => (existsSync(folder) ? readdirSync(folder) : []),
  modifiedMs: (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  createFolder(folder: string) {
    mkdirSync(folder, { recursive: true });
  },
  create: (path: string) => createFile(path),
  open: (path: string) => openFile(path),
  rename: renameSync,
  remove(path: string) {
    rmSync(path, { recursive: true, force: true });
  },
  syncFolder(folder: string) {
    // Windows has no descriptors of folders; NTFS journals names by itself.
    if (process.platform === "win32") return;
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
});

function createFile(path: string): WritableFile {
  const descriptor = openSync(path, "w");
  return {
    write(bytes) {
      let done = 0;
      // A full disk or a signal may cut a write short.
      while (done < bytes.length) {
        done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, MAX_TRANSFER_BYTES));
      }
    },
    sync: () => {
      fsyncSync(descriptor);
    },
    close: () => {
      closeSync(descriptor);
    },
  };
}

function openFile(path: string): ReadableFile {
  const descriptor = openSync(path, "r");
  return {
    size: fstatSync(descriptor).size,
    read(into, position) {
      let done = 0;
      while (done < into.length) {
        const length = Math.min(into.length - done, MAX_TRANSFER_BYTES);
        const count = readSync(descriptor, into, done, length, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    close: () => {
      closeSync(descriptor);
    },
  };
}

/** Writes a small file and waits until it is on the disk. */
export function writeSmallFile(files: CheckpointFiles, path: string, text: string): void {
  const file = files.create(path);
  try {
    file.write(Buffer.from(text, "utf8"));
    file.sync();
  } finally {
    file.close();
  }
}

/** Reads a whole file as text. */
export function readSmallFile(files: CheckpointFiles, path: string): string {
  const file = files.open(path);
  try {
    const bytes = new Uint8Array(file.size);
    return Buffer.from(bytes.subarray(0, file.read(bytes, 0))).toString("utf8");
  } finally {
    file.close();
  }
}
