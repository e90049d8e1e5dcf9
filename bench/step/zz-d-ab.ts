import { createWorld } from "@meshwright/core";
import { readFileSync } from "node:fs";
import { MODELS, slowestPerStep } from "./run.ts";
import { createTurns } from "./turns.ts";
const features = Number(process.argv[2] ?? 768);
const modes = (process.argv[3] ?? "1,tp,dp").split(",");
const timed = Number(process.argv[4] ?? 6);
const sizes = MODELS.find((m) => m.features === features)!;
const faults = () => Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ")[7]);
for (const mode of modes) {
  const mesh = { "1": { dp: 1, tp: 1 }, tp: { dp: 1, tp: 2 }, dp: { dp: 2, tp: 1 } }[mode]!;
  const world = await createWorld({ ranks: mesh.dp * mesh.tp, engine: (process.env.ENGINE ?? "tensorflow") as "tensorflow" });
  const f0 = faults();
  const results = await world.run<any>(new URL("./train.ts", import.meta.url), {
    sizes, mesh, seed: 1, steps: { warmUp: 2, timed, profiled: process.env.PROF ? 2 : 0 }, turns: createTurns(1), player: 0 });
  const f1 = faults();
  const cpu = slowestPerStep(results.map((r: any) => r.cpuMs)).sort((a, b) => a - b);
  const wall = slowestPerStep(results.map((r: any) => r.stepMs)).sort((a, b) => a - b);
  const p = results[0].profile!;
  console.log(`${features} ${mode}: cpu min ${cpu[0]!.toFixed(0)} med ${cpu[cpu.length >> 1]!.toFixed(0)}; wall min ${wall[0]!.toFixed(0)} med ${wall[wall.length >> 1]!.toFixed(0)}; faults/step ${((f1 - f0) / (timed + 2)).toFixed(0)}; rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)}; loss ${results[0].losses.at(-1)}`);
  if (process.env.PROF) console.log("   " + p.kernels.slice(0, 16).map((k: any) => `${k.name} ${k.ms.toFixed(1)}(${k.calls})`).join(", ") + ` outside ${(p.ms - p.kernels.reduce((s: number, k: any) => s + k.ms, 0)).toFixed(1)} whole ${p.ms.toFixed(0)}`);
  await world.close();
}
