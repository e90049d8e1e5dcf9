/**
 * `pnpm bench copies [--engine NAME] [--samples N]`: what the border between an engine's memory and the transport costs.
 *
 * @packageDocumentation
 */
import { startEngine, type EngineName } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { Command, Option } from "commander";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { interleave, summarize } from "../statistics.ts";

const { engine: prefer, samples } = new Command("copies")
  .description("Reading a tensor for a collective, and making one of its result, beside a plain copy.")
  .addOption(
    new Option("--engine <name>", "whose memory")
      .choices(["tensorflow", "wasm", "cpu", "auto"])
      .default("auto"),
  )
  .option("--samples <n>", "samples per figure, in turn", Number, 51)
  .parse()
  .opts<{ engine: EngineName | "auto"; samples: number }>();

const KIB = 1024;
const MIB = 1024 * KIB;

const engine = await startEngine({ prefer });
console.log(`${conditionsLine(currentConditions())}; engine ${engine.name}, median us (fastest)\n`);
console.log("bytes      memcpy              read                create              create and use      use");
for (const bytes of [4 * KIB, 64 * KIB, MIB, 4 * MIB, 16 * MIB]) {
  const cells = Object.values(measure(bytes / 4)).map((times) => {
    const { median, min } = summarize(times);
    return `${(1000 * median).toFixed(1)} (${(1000 * min).toFixed(1)})`.padEnd(20);
  });
  console.log(`${String(bytes).padEnd(11)}${cells.join("")}`.trimEnd());
}

function timed(body: () => void): number {
  const start = performance.now();
  body();
  return performance.now() - start;
}

function measure(length: number): Record<string, number[]> {
  const source = new Float32Array(length).fill(1);
  const target = new Float32Array(length);
  const create = (): tf.Tensor => {
    const info = engine.create([length], "float32", (values) => {
      values.set(source);
    });
    return tf.engine().makeTensorFromTensorInfo(info);
  };
  return interleave(
    {
      memcpy: () =>
        timed(() => {
          target.set(source);
        }),
      // Of a tensor that a kernel made, as a gradient is.
      read: () =>
        withTensor(
          () => tf.neg(source),
          (x) => timed(() => engine.view(x)),
        ),
      create: () =>
        timed(() => {
          create().dispose();
        }),
      "create and use": () =>
        timed(() => {
          withTensor(create, (x) => {
            tf.neg(x).dispose();
          });
        }),
      use: () =>
        withTensor(
          () => tf.neg(source),
          (x) =>
            timed(() => {
              tf.neg(x).dispose();
            }),
        ),
    },
    { rounds: samples, warmUp: 5 },
  );
}

function withTensor<R>(make: () => tf.Tensor, use: (x: tf.Tensor) => R): R {
  const x = make();
  try {
    return use(x);
  } finally {
    x.dispose();
  }
}
