/**
 * `meshwright schedule` as a process: output, files, exit codes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

const bin = fileURLToPath(new URL("../../core/bin/meshwright.mjs", import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), "meshwright-schedule-")));
const project = join(folder, "project");

/** Runs the command in the project; `stdout` closes after its first characters with `closeEarly`. */
async function schedule(args: readonly string[], { closeEarly = false } = {}) {
  const child = spawn(process.execPath, [bin, "schedule", ...args], {
    cwd: project,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  if (closeEarly) child.stdout.destroy();
  else child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}

const written = (): string[] => readdirSync(project).filter((name) => name !== "node_modules");
const sizes = ["--stages", "2", "--micro-batches", "3"];

/** A project that has this package, from its source. */
beforeAll(() => {
  const installed = join(project, "node_modules/@meshwright/pipeline");
  mkdirSync(installed, { recursive: true });
  const source = new URL("../src/cli/explore-schedule.ts", import.meta.url);
  writeFileSync(join(installed, "package.json"), `{ "type": "module", "exports": "./index.js" }`);
  writeFileSync(join(installed, "index.js"), `export * from ${JSON.stringify(source.href)};`);
});

beforeEach(() => {
  for (const name of written()) rmSync(join(project, name));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("meshwright schedule", () => {
  test("prints the figures and the drawing, and writes schedule.svg", async () => {
    expect(await schedule(["--name", "1f1b", ...sizes])).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        "1f1b: 2 stages, 3 micro-batches, F 1, I 1, W 1",
        "",
        "makespan      12      in the unit of the costs",
        "efficiency    0.7500  share of all ranks' time that is useful work",
        "bubbleGlobal  0.2500  idle share of all ranks' time",
        "bubbleSpan    0.1429  idle share between each rank's first and last action",
        "peakLive      2 1     micro-batches kept by rank 0, 1, ... (of one chunk each)",
        "",
        "rank 0  F0F1....B0--F2B1--..B2--",
        "rank 1  ..F0B0--F1B1--F2B2--....",
        "        0         5         10",
        "F forward, B backward, . idle",
        "wrote schedule.svg",
        "",
      ].join("\n"),
    });
    expect(written()).toEqual(["schedule.svg"]);
    expect(readFileSync(join(project, "schedule.svg"), "utf8")).toMatch(/^<svg [^]*<\/svg>$/);
  });

  test("takes costs, latency, chunks and recompute, and writes what is asked for", async () => {
    const run = await schedule([
      ...["--name", "interleaved", "--stages", "2", "--micro-batches", "4", "--chunks", "3", "--recompute"],
      ...[
        "--costs",
        "3,1.5,6",
        "--latency",
        "0.5",
        "--no-svg",
        "--trace",
        "t.json",
        "--json",
        "figures.json",
      ],
    ]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain(
      "interleaved: 2 stages, 4 micro-batches, 3 chunks, recompute, F 3, I 1.5, W 6, latency 0.5\n",
    );
    expect(run.stdout).toContain("\nwrote t.json\nwrote figures.json\n");
    expect(written()).toEqual(["figures.json", "t.json"]);
    expect(JSON.parse(readFileSync(join(project, "figures.json"), "utf8"))).toMatchObject({
      chunks: 3,
      recompute: true,
      costs: [3, 1.5, 6],
      latency: 0.5,
    });
    expect(JSON.parse(readFileSync(join(project, "t.json"), "utf8"))).toHaveProperty("traceEvents");
  });

  test.each([
    [
      ["--name", "zb-h2", ...sizes],
      `meshwright schedule: --name ("zb-h2") must be one of gpipe, 1f1b, interleaved, looped-bfs, zb-h1, zbv; use "1f1b" where in doubt.`,
    ],
    [
      ["--name", "interleaved", ...sizes],
      "meshwright schedule: --micro-batches (3) must be a multiple of --stages (2); use 2 or 4.",
    ],
    [
      ["--name", "1f1b", "--stages", "0", "--micro-batches", "3"],
      "meshwright: option '--stages <p>' argument '0' is invalid. It must be a positive integer; use 1 or more; see meshwright schedule --help.",
    ],
    [
      ["--name", "1f1b", ...sizes, "--costs", "1,2"],
      "meshwright: option '--costs <F,I,W>' argument '1,2' is invalid. It must be three numbers of at least 0; use 1,1,1; see meshwright schedule --help.",
    ],
    [
      ["--name", "1f1b", ...sizes, "--latency", "-1"],
      "meshwright: option '--latency <time>' argument '-1' is invalid. It must be a number of at least 0; use 0 or more; see meshwright schedule --help.",
    ],
    [
      ["--name", "1f1b", ...sizes, "--chunk", "2"],
      "meshwright: unknown option '--chunk' (Did you mean --chunks?); see meshwright schedule --help.",
    ],
    [sizes, "meshwright: required option '--name <name>' not specified; see meshwright schedule --help."],
    [
      ["--name", "1f1b", ...sizes, "--svg", "no/where.svg"],
      "meshwright schedule: --svg (no/where.svg) must be a file that can be written (ENOENT: no such file or directory, open 'no/where.svg'); use another path.",
    ],
  ])("%j is refused on one line with code 2", async (args, message) => {
    expect(await schedule(args)).toEqual({ code: 2, stdout: "", stderr: `${message}\n` });
    expect(written()).toEqual([]);
  });

  test("ends quietly where nobody reads its output, with the files written", async () => {
    const run = await schedule(["--name", "gpipe", ...sizes], { closeEarly: true });
    expect(run).toEqual({ code: 141, stdout: "", stderr: "" });
    expect(written()).toEqual(["schedule.svg"]);
  });
});
