import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeCpu, listGpus } from "./hardware.ts";

test("describeCpu names the instructions that matter, oldest first", () => {
  const x86 = "processor\t: 0\nflags\t\t: fpu avx2 sse4_2 avx fma avx512f amx_tile\nbugs\t\t: spectre_v1\n";
  expect(describeCpu(x86).features).toEqual(["sse4_2", "avx", "fma", "avx2", "avx512f", "amx_tile"]);
  expect(describeCpu("Features\t: fp asimd crc32 sve\n").features).toEqual(["asimd", "sve"]);
  expect(describeCpu("").features).toEqual([]);
});

test("listGpus names what the driver lists, and nothing without one", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-gpus-"));
  mkdirSync(join(folder, "0000:01:00.0"));
  writeFileSync(join(folder, "0000:01:00.0/information"), "Model: \t\t NVIDIA A100\nIRQ:   25\n");
  mkdirSync(join(folder, "0000:02:00.0"));
  expect(listGpus(folder)).toEqual(["NVIDIA A100", "0000:02:00.0"]);
  rmSync(folder, { recursive: true });
  expect(listGpus(folder)).toEqual([]);
});
