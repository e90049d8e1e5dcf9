import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { locateWorker } from "./worker-entry.ts";

test("in the source tree the worker is loaded through tsx", () => {
  const { filename, execArgv } = locateWorker();
  expect(filename).toMatch(/\/runtime\/worker-source\.mjs$/);
  expect(existsSync(filename)).toBe(true);
  expect(execArgv).toEqual(["--conditions=@meshwright/source"]);
});

test.each(["index.js", "chunk-ABC.js", "cli/main.js"])("in the build it is found from %s", (module) => {
  expect(locateWorker("threads", `file:///x/dist/y/node_modules/@meshwright/core/dist/${module}`)).toEqual({
    filename: "/x/dist/y/node_modules/@meshwright/core/dist/runtime/worker.js",
    execArgv: undefined,
  });
});

test("anywhere else it is an internal error", () => {
  expect(() => locateWorker("threads", "file:///bundle.js")).toThrow(
    /^internal: no worker entry is known for the module file:\/\/\/bundle\.js; please report/,
  );
});
