/**
 * The processor and the GPUs of this machine, as Linux tells them.
 *
 * @packageDocumentation
 */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

/** What computes. */
export interface CpuDescription {
  readonly model: string;
  readonly numCores: number;
  /** Vector and matrix instructions that TensorFlow has kernels for; empty where the system does not tell. */
  readonly features: readonly string[];
}

/** In the order in which they came to be. */
const FEATURES = [
  ...["sse4_2", "avx", "fma", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16"],
  ...["amx_tile", "amx_int8", "amx_bf16"],
  // 64-bit ARM
  ...["asimd", "asimdhp", "asimddp", "sve", "i8mm", "bf16"],
];

/** The processor, and what `/proc/cpuinfo` says of its instructions. */
export function describeCpu(cpuInfo = readText("/proc/cpuinfo")): CpuDescription {
  const flags = new Set((/^(?:flags|Features)\s*:(.*)$/m.exec(cpuInfo)?.[1] ?? "").trim().split(/\s+/));
  return {
    model: cpus()[0]?.model.trim() ?? "unknown",
    numCores: availableParallelism(),
    features: FEATURES.filter((name) => flags.has(name)),
  };
}

/** Models of the NVIDIA GPUs that the driver lists. */
export function listGpus(driver = "/proc/driver/nvidia/gpus"): readonly string[] {
  let folders: string[];
  try {
    folders = readdirSync(driver).sort();
  } catch {
    return [];
  }
  return folders.map((folder) => {
    const information = readText(`${driver}/${folder}/information`);
    return /^Model:\s*(.*)$/m.exec(information)?.[1]?.trim() ?? folder;
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
