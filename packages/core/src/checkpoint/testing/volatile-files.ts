/**
 * A file system in memory that forgets: after a crash, only what was synced is sure to be there.
 *
 * The contents of a file are sure once the file is synced, a name in a folder once the folder is synced; whatever else was
 * done may have reached the disk or not. That is what POSIX promises, and less than most file systems do.
 *
 * @packageDocumentation
 */
import { basename, dirname } from "node:path";
import { InternalError } from "../../errors.ts";
import type { CheckpointFiles } from "../files.ts";

/** A file or folder, as programs see it and as it is on the disk. */
type Node = FileNode | FolderNode;

interface FileNode {
  readonly kind: "file";
  seen: Uint8Array;
  synced: Uint8Array;
  readonly written: number;
}

interface FolderNode {
  readonly kind: "folder";
  readonly seen: Map<string, Node>;
  synced: ReadonlyMap<string, Node>;
}

/** What a crash throws, and everything after it. */
export class Crash extends Error {
  override readonly name: string = "Crash";
}

/** The file system. */
export class VolatileFiles implements CheckpointFiles {
  readonly #root: FolderNode = folderNode();
  /** Operations that change something, in order. */
  readonly operations: string[] = [];
  /** The operation (its number, from 0) that crashes; what comes after fails too. */
  crashAt = Infinity;
  /** What the operation with the number `failAt` throws. */
  failAt: { readonly operation: number; readonly error: Error } | undefined;
  #clock = 0;

  exists(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  list(folder: string): readonly string[] {
    const node = this.#find(folder);
    return node?.kind === "folder" ? [...node.seen.keys()] : [];
  }

  modifiedMs(path: string): number {
    const node = this.#find(path);
    return node?.kind === "file" ? node.written : 0;
  }

  createFolder(folder: string): void {
    if (this.exists(folder)) return;
    if (dirname(folder) !== folder) this.createFolder(dirname(folder));
    this.#change(`createFolder ${folder}`);
    this.#folderOf(folder).seen.set(basename(folder), folderNode());
  }

  create(path: string): ReturnType<CheckpointFiles["create"]> {
    this.#change(`create ${path}`);
    const node: FileNode = {
      kind: "file",
      seen: new Uint8Array(),
      synced: new Uint8Array(),
      written: this.#clock++,
    };
    this.#folderOf(path).seen.set(basename(path), node);
    return {
      write: (bytes) => {
        this.#change(`write ${path}`);
        node.seen = Buffer.concat([node.seen, bytes]);
      },
      sync: () => {
        this.#change(`sync ${path}`);
        node.synced = node.seen;
      },
      close: () => undefined,
    };
  }

  open(path: string): ReturnType<CheckpointFiles["open"]> {
    const node = this.#find(path);
    if (node?.kind !== "file") throw new InternalError(`no file ${path}`);
    const { seen } = node;
    return {
      size: seen.length,
      read(into, position) {
        const bytes = seen.subarray(position, position + into.length);
        into.set(bytes);
        return bytes.length;
      },
      close: () => undefined,
    };
  }

  rename(from: string, to: string): void {
    this.#change(`rename ${from} ${to}`);
    const node = this.#find(from);
    if (node === undefined) throw new InternalError(`no ${from}`);
    if (node.kind === "folder" && this.exists(to)) throw new InternalError(`${to} exists`);
    this.#folderOf(from).seen.delete(basename(from));
    this.#folderOf(to).seen.set(basename(to), node);
  }

  remove(path: string): void {
    const node = this.#find(path);
    if (node === undefined) return;
    // A folder goes file by file.
    if (node.kind === "folder") for (const name of [...node.seen.keys()]) this.remove(`${path}/${name}`);
    this.#change(`remove ${path}`);
    this.#folderOf(path).seen.delete(basename(path));
  }

  syncFolder(path: string): void {
    this.#change(`syncFolder ${path}`);
    const node = this.#find(path) as FolderNode;
    node.synced = new Map(node.seen);
  }

  /**
   * What is there after the crash. `isKept` decides about each thing that was not synced: whether a name has its new or its
   * old meaning, and a file its new or its old contents.
   */
  afterCrash(isKept: () => boolean): VolatileFiles {
    const after = new VolatileFiles();
    for (const [name, node] of survivors(this.#root, isKept, new Map())) after.#root.seen.set(name, node);
    after.#root.synced = new Map(after.#root.seen);
    return after;
  }

  #change(what: string): void {
    if (this.operations.length >= this.crashAt) throw new Crash(what);
    if (this.failAt?.operation === this.operations.length) throw this.failAt.error;
    this.operations.push(what);
  }

  #find(path: string): Node | undefined {
    let node: Node = this.#root;
    for (const part of path.split("/").filter((name) => name !== "")) {
      const child: Node | undefined = node.kind === "folder" ? node.seen.get(part) : undefined;
      if (child === undefined) return undefined;
      node = child;
    }
    return node;
  }

  #folderOf(path: string): FolderNode {
    const node = this.#find(dirname(path));
    if (node?.kind !== "folder") throw new InternalError(`no folder ${dirname(path)}`);
    return node;
  }
}

function folderNode(): FolderNode {
  return { kind: "folder", seen: new Map(), synced: new Map() };
}

/** The names of a folder after a crash. A node that two names may have reached is copied once. */
function survivors(folder: FolderNode, isKept: () => boolean, copies: Map<Node, Node>): Map<string, Node> {
  const names = new Map<string, Node>();
  for (const name of new Set([...folder.synced.keys(), ...folder.seen.keys()])) {
    const [old, now] = [folder.synced.get(name), folder.seen.get(name)];
    const node = old === now || isKept() ? now : old;
    if (node !== undefined) names.set(name, survivor(node, isKept, copies));
  }
  return names;
}

function survivor(node: Node, isKept: () => boolean, copies: Map<Node, Node>): Node {
  const known = copies.get(node);
  if (known !== undefined) return known;
  let copy: Node;
  if (node.kind === "file") {
    const bytes = node.seen === node.synced || isKept() ? node.seen : node.synced;
    copy = { ...node, seen: bytes, synced: bytes };
  } else {
    const names = survivors(node, isKept, copies);
    copy = { kind: "folder", seen: names, synced: new Map(names) };
  }
  copies.set(node, copy);
  return copy;
}
