import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { libraryFolder, readInstalledLibrary, RECORD_FILE } from "./cache-folder.ts";
import { locateNativeParts } from "./locate.ts";

const RECORD = {
  source: "wheel",
  tensorflowVersion: "2.21.0",
  tfjsNodeVersion: "4.22.0",
  addon: "tfjs_binding.node",
  gpu: false,
};

let cache: string;
let folder: string;

beforeEach(() => {
  cache = realpathSync(mkdtempSync(join(tmpdir(), "meshwright-")));
  folder = join(cache, "tensorflow");
  mkdirSync(folder);
});

afterEach(() => {
  rmSync(cache, { recursive: true });
});

function install(record: object): void {
  writeFileSync(join(folder, RECORD_FILE), JSON.stringify(record));
}

test("the folder follows the environment", () => {
  expect(libraryFolder({ MESHWRIGHT_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a/tensorflow");
  expect(libraryFolder({ MESHWRIGHT_CACHE: "", XDG_CACHE_HOME: "/b" })).toBe("/b/meshwright/tensorflow");
  expect(libraryFolder({})).toBe(join(homedir(), ".cache/meshwright/tensorflow"));
});

test("a record that is none counts as nothing installed", () => {
  expect(readInstalledLibrary(folder)).toBeUndefined();
  writeFileSync(join(folder, RECORD_FILE), '{ "addon": ');
  expect(readInstalledLibrary(folder)).toBeUndefined();
  install({ source: "wheel" });
  expect(readInstalledLibrary(folder)).toBeUndefined();
  install(RECORD);
  expect(readInstalledLibrary(folder)).toEqual(RECORD);
});

describe("the native parts", () => {
  test("are the addon of the cache and the JavaScript of the installed package", () => {
    install(RECORD);
    writeFileSync(join(folder, RECORD.addon), "");
    const { parts } = locateNativeParts({ MESHWRIGHT_CACHE: cache });
    expect(parts).toEqual([
      {
        addon: join(folder, RECORD.addon),
        javaScript: expect.stringMatching(/@tensorflow\/tfjs-node$/) as string,
        packageName: "@tensorflow/tfjs-node",
        isThreadSafe: false,
      },
    ]);
  });

  test("are those of a GPU, and safe for threads, where the record says so", () => {
    install({ ...RECORD, gpu: true, threadSafe: true });
    writeFileSync(join(folder, RECORD.addon), "");
    expect(locateNativeParts({ MESHWRIGHT_CACHE: cache }).parts).toMatchObject([
      { packageName: "@tensorflow/tfjs-node-gpu", isThreadSafe: true },
    ]);
  });

  test("are none where the record names an addon that is not there", () => {
    install(RECORD);
    expect(locateNativeParts({ MESHWRIGHT_CACHE: cache })).toEqual({
      parts: [],
      misses: [
        `${join(folder, RECORD.addon)} is missing`,
        "@tensorflow/tfjs-node is installed without its library",
      ],
    });
  });
});
