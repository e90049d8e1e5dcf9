import { expect, test } from "vitest";
import { callSite, isLibraryFile } from "./call-site.ts";

const PACKAGES = new URL("../../../", import.meta.url).pathname;

test("callSite is the innermost frame of the program", () => {
  expect(callSite(() => false)).toMatch(/^packages\/core\/src\/collectives\/call-site\.ts:\d+$/);
  expect(callSite()).toMatch(/^packages\/core\/src\/collectives\/call-site\.test\.ts:\d+$/);
});

test("callSite is unknown where every frame is the library's", () => {
  expect(callSite(() => true)).toBe("unknown");
});

test("callSite leaves the stack depth as it was", () => {
  const before = Error.stackTraceLimit;
  callSite();
  expect(Error.stackTraceLimit).toBe(before);
});

test.each([
  [`${PACKAGES}core/src/collectives/call-site.ts`, true],
  [`${PACKAGES}sharding/src/redistribute/execute.ts`, true],
  [`${PACKAGES}sharding/dist/index.js`, true],
  [`${PACKAGES}sharding/src/mesh.test.ts`, false],
  [`${PACKAGES}sharding/test/programs/gpt.ts`, false],
  ["/home/me/node_modules/@tensorflow/tfjs-core/dist/engine.js", true],
  ["/home/me/node_modules/@meshwright/core/dist/index.js", true],
  ["/home/me/project/src/train.ts", false],
])("%s is the library's: %s", (file, expected) => {
  expect(isLibraryFile(file)).toBe(expected);
});
