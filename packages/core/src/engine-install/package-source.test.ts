import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { damagedFiles, readEngineRecord } from "./engine-record.ts";
import { installEngine, type InstallOptions } from "./install.ts";
import { packageArchives } from "./package-source.ts";
import { createFakeMachine, type FakeMachine } from "./testing/fake-machine.ts";
import { writeFakeWheel } from "./testing/fake-wheel.ts";

const ADDON_PATH = "/tf-builds/pre-built-binary/napi-v8/4.22.0/CPU-linux-4.22.0.tar.gz";
const LIBRARY_PATH = "/tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz";
const isSupported = process.platform === "linux" && process.arch === "x64";

let machine: FakeMachine;
let server: Server;
let archives: string;
let asked: string[];
let options: InstallOptions;

/** Serves the two archives as tfjs-node's hosts do, in the layout that node-pre-gyp and libtensorflow have. */
beforeEach(async () => {
  machine = createFakeMachine({ pip: false, compiler: false });
  archives = join(machine.index, "archives");
  const files = {
    "napi-v8/tfjs_binding.node": 'exports.TF_Version = "2.9.1"; exports.isUsingGpuDevice = () => false;',
    "library/lib/libtensorflow.so.2.9.1": "the library",
    "library/lib/libtensorflow_framework.so.2.9.1": "the framework",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(archives, name, ".."), { recursive: true });
    writeFileSync(join(archives, name), text);
  }
  execFileSync("tar", ["-czf", "addon.tar.gz", "napi-v8"], { cwd: archives });
  execFileSync("tar", ["-czf", "library.tar.gz", "-C", "library", "lib"], { cwd: archives });
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const file = { [ADDON_PATH]: "addon.tar.gz", [LIBRARY_PATH]: "library.tar.gz" }[request.url ?? ""];
    if (file === undefined) response.writeHead(404).end();
    else response.end(readFileSync(join(archives, file)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const env = { ...machine.env, TFJS_NODE_CDN_STORAGE: `http://127.0.0.1:${port}/` };
  options = { ...machine.options, source: undefined, env };
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  machine.remove();
});

describe.runIf(isSupported)("installEngine from tfjs-node's own binaries", () => {
  test("needs neither pip nor a compiler, and keeps the layout that the addon's run path asks for", async () => {
    expect(await installEngine(options)).toMatchObject({ kind: "installed" });
    const record = readEngineRecord(machine.cache.engine)!;
    expect(record).toMatchObject({ source: "package", tensorflowVersion: "2.9.1", threadSafe: false });
    expect(Object.keys(record.sha256).sort()).toEqual([
      "deps/lib/libtensorflow.so.2.9.1",
      "deps/lib/libtensorflow_framework.so.2.9.1",
      "lib/napi-v8/tfjs_binding.node",
    ]);
    expect(await damagedFiles(machine.cache.engine, record)).toEqual([]);
    expect(readFileSync(join(machine.cache.engine, record.addon), "utf8")).toContain("2.9.1");
    expect(asked).toEqual([ADDON_PATH, LIBRARY_PATH]);
    expect(await installEngine(options)).toMatchObject({ kind: "present" });
    expect(asked).toHaveLength(2);
  });

  test("goes on to the wheel where an archive is truncated", async () => {
    truncateSync(join(archives, "library.tar.gz"), 60);
    const withTools = createFakeMachine();
    writeFakeWheel(withTools.index);
    const env = { ...withTools.env, TFJS_NODE_CDN_STORAGE: options.env!.TFJS_NODE_CDN_STORAGE };
    const outcome = await installEngine({ ...withTools.options, source: undefined, env });
    expect(outcome).toMatchObject({ kind: "installed", record: { source: "wheel" } });
    expect(withTools.said.join("\n")).toMatch(
      /source "package" cannot be used: archive libtensorflow-cpu-linux-x86_64-2\.9\.1\.tar\.gz \(tar: .*\) must be whole/,
    );
    withTools.remove();
  });

  test("says what the host answered", async () => {
    await expect(installEngine({ ...options, source: "package", gpu: true })).rejects.toThrow(
      /host of tfjs-node's binaries \(http.*GPU-linux-4\.22\.0\.tar\.gz: HTTP status 404\) must answer/,
    );
  });
});

test("packageArchives follows the variables of tfjs-node's own script", () => {
  expect(packageArchives(true, {})).toEqual({
    addon: "https://storage.googleapis.com/tf-builds/pre-built-binary/napi-v8/4.22.0/GPU-linux-4.22.0.tar.gz",
    library:
      "https://storage.googleapis.com/tensorflow/libtensorflow/libtensorflow-gpu-linux-x86_64-2.9.1.tar.gz",
  });
  const mirrors = { TFJS_NODE_BASE_URI: "http://a/lib-", npm_config_tfjs_binding_binary_host: "http://b" };
  expect(packageArchives(false, mirrors)).toEqual({
    addon: "http://b/napi-v8/4.22.0/CPU-linux-4.22.0.tar.gz",
    library: "http://a/lib-cpu-linux-x86_64-2.9.1.tar.gz",
  });
});
