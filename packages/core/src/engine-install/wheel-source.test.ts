import { expect, test } from "vitest";
import { EngineInstallError } from "./install-error.ts";
import { checkPlatform, wheelRequest } from "./wheel-source.ts";

test("wheelRequest names the smallest wheel that TensorFlow has for the processor", () => {
  const projects = [false, true].flatMap((gpu) =>
    ["x64", "arm64"].map((arch) => wheelRequest({ gpu }, arch).project),
  );
  expect(projects).toEqual(["tensorflow-cpu", "tensorflow", "tensorflow", "tensorflow"]);
});

test("checkPlatform refuses what no wheel is for", () => {
  for (const [gpu, arch] of [
    [false, "x64"],
    [false, "arm64"],
    [true, "x64"],
  ] as const)
    checkPlatform(gpu, "linux", arch);
  expect(() => {
    checkPlatform(true, "linux", "arm64");
  }).toThrow(
    new EngineInstallError(
      "check",
      'platform (linux arm64) must be linux x64 for TensorFlow\'s wheel with CUDA; use the engine "wasm".',
    ),
  );
  expect(() => {
    checkPlatform(false, "darwin", "arm64");
  }).toThrow(
    "platform (darwin arm64) must be linux x64 or linux arm64 for TensorFlow's wheel; use the engine",
  );
});
