import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the generated modules are those of the assembly sources", () => {
  const script = fileURLToPath(new URL("../../scripts/build-engine-wasm.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("both compilers of V8 compute the same bits, so a result does not change when code gets hot", () => {
  const program = `
    import { createHash } from "node:crypto";
    import * as tf from "@tensorflow/tfjs";
    import { startEngine } from "${new URL("./start.ts", import.meta.url).href}";
    import { seededTensor } from "${new URL("./testing/seeded.ts", import.meta.url).href}";
    await startEngine({ prefer: "wasm" });
    const a = seededTensor([37, 300], 1), b = seededTensor([300, 29], 2);
    const run = (name, inputs, attrs) => tf.engine().runKernel(name, inputs, attrs);
    const results = [
      tf.matMul(a, b), tf.matMul(a, b.transpose(), false, true), tf.matMul(a.slice(0, 2), b),
      tf.exp(a), tf.tanh(a), tf.erf(a), tf.sum(a, 0), tf.sum(a, 1), run("Gelu", { x: a }, { approximate: "tanh" }),
      run("RMSNorm", { x: b, gamma: b.slice([0, 0], [1, 29]).flatten() }, { epsilon: 1e-6 })[0],
      run("CausalSoftmax", { x: a }, { scale: 2 }),
    ];
    const hash = createHash("sha256");
    for (const result of results) hash.update(new Uint8Array(result.dataSync().buffer));
    console.log(hash.digest("hex"));`;
  const hashes = ["--liftoff-only", "--no-liftoff"].map((flag) => {
    const flags = [flag, "--import", "tsx", "--conditions=@meshwright/source", "--input-type=module"];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, "--eval", program], {
      encoding: "utf8",
      cwd: new URL("../..", import.meta.url),
    });
    return stdout.trim() || stderr;
  });
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(hashes[1]).toBe(hashes[0]);
});
