import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import corePackage from "../../package.json" with { type: "json" };
import { programUrl } from "./program-url.ts";

const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
const file = (name: string): string => fileURLToPath(programUrl(name));

interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command. `onOutput` sees all of stdout so far whenever there is more. */
async function meshwright(
  args: readonly string[],
  onOutput?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Finished> {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
    onOutput?.(text.stdout, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, ...text };
}

describe("meshwright run", () => {
  test("passes on everything after -- and prints what the ranks print", async () => {
    const run = await meshwright([
      "run",
      file("print-args"),
      "--ranks",
      "2",
      "--engine",
      "cpu",
      "--",
      "--steps",
      "3",
      "--ranks",
    ]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout.split("\n").toSorted()).toEqual([
      "",
      `[rank 0] {"args":["--steps","3","--ranks"],"resume":false}`,
      `[rank 1] {"args":["--steps","3","--ranks"],"resume":false}`,
    ]);
  });

  test("has one rank by default, whose lines carry no label", async () => {
    const run = await meshwright(["run", file("print-args"), "--engine", "cpu", "--checked"]);
    expect(run).toEqual({ code: 0, signal: null, stdout: `{"args":[],"resume":false}\n`, stderr: "" });
  });

  test("ends with code 1 and the rank's error and stack", async () => {
    const run = await meshwright(["run", file("print-args"), "--ranks", "2", "--", "fail"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /^rank 1 failed: asked to fail\nRangeError: asked to fail\n {4}at .*programs\/print-args\.ts:\d+/,
    );
  });

  test.each([
    ["SIGINT", 130, []],
    ["SIGTERM", 143, []],
    ["SIGTERM", 143, ["--resume", "auto", "--max-restarts", "2"]],
  ] as const)("ends by %s with code %i, with the options %j", async (signal, code, options) => {
    let isSent = false;
    const run = await meshwright(
      ["run", file("wait-for-ever"), "--ranks", "2", "--engine", "cpu", ...options],
      (stdout, kill) => {
        if (isSent || stdout.split("\n").length < 3) return;
        isSent = true;
        kill(signal);
      },
    );
    expect(run).toMatchObject({ code, signal: null, stderr: "" });
  });
});

describe("meshwright", () => {
  test.each([
    [
      ["run", "missing.ts"],
      `meshwright run: program file (${process.cwd()}/missing.ts) must exist; check the path.`,
    ],
    [
      ["run", "x.ts", "--ranks", "0"],
      "meshwright: option '--ranks <n>' argument '0' is invalid. It must be a positive integer; use 1 or more; see meshwright run --help.",
    ],
    [
      ["run", "x.ts", "--timeout-ms", "soon"],
      "meshwright: option '--timeout-ms <n>' argument 'soon' is invalid. It must be a positive integer; use 1 or more; see meshwright run --help.",
    ],
    [
      ["run", "x.ts", "--engine", "steam"],
      "meshwright: option '--engine <name>' argument 'steam' is invalid. Allowed choices are auto, tensorflow, wasm, cpu; see meshwright run --help.",
    ],
    [
      ["run", "x.ts", "--rank", "2"],
      "meshwright: unknown option '--rank' (Did you mean --ranks?); see meshwright run --help.",
    ],
    [
      ["run", file("print-args"), "--max-restarts", "2"],
      "meshwright run: --max-restarts (2) must go with --resume auto (never), or every restart begins at the first step; use --resume auto.",
    ],
    [
      ["run", file("print-args"), "--launcher", "no-such-launcher -np 2"],
      "meshwright run: --launcher (no-such-launcher) must be a command that can be started (spawn no-such-launcher ENOENT); check its name.",
    ],
    [
      ["run", file("print-args"), "--topology", "missing.json"],
      "readTopology: file missing.json (ENOENT: no such file or directory, open 'missing.json') must be one that meshwright topology --save wrote; measure it, and copy it to every host.",
    ],
    [
      ["topology", "--save", "no-folder/topology.json"],
      `meshwright topology: --save (no-folder/topology.json) must be in a folder that exists (${process.cwd()}/no-folder); make it.`,
    ],
    [["run"], "meshwright: missing required argument 'FILE'; see meshwright run --help."],
    [["walk"], "meshwright: unknown command 'walk'; see meshwright --help."],
    [
      ["run", "x.ts", "y.ts"],
      "meshwright: too many arguments for 'run'. Expected 1 argument but got 2; see meshwright run --help.",
    ],
  ])("%j is refused on one line", async (args, message) => {
    expect(await meshwright(args)).toEqual({ code: 2, signal: null, stdout: "", stderr: `${message}\n` });
  });

  test("--version prints the package's", async () => {
    expect(await meshwright(["--version"])).toMatchObject({ code: 0, stdout: `${corePackage.version}\n` });
  });

  test("--help and no command show the commands", async () => {
    expect((await meshwright(["--help"])).stdout).toContain("run [options] <FILE>");
    const bare = await meshwright([]);
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain("Usage: meshwright");
    expect((await meshwright(["run", "--help"])).stdout).toContain("Usage: meshwright run FILE");
  });
});
