/**
 * Runs a program of the machine (pip, npm, a compiler).
 *
 * @packageDocumentation
 */
import { spawn } from "node:child_process";
import type { Environment } from "./engine-cache.ts";

/** A program with the arguments that always come first, as in `python3 -m pip`. */
export type Tool = readonly [command: string, ...args: string[]];

/** How a program ended. */
export interface ToolResult {
  /** `undefined` if it could not be started, or was ended by a signal. */
  readonly code: number | undefined;
  /** What it wrote to stdout and stderr, in the order in which it came. */
  readonly output: string;
}

/** Options of {@link runTool}. */
export interface ToolOptions {
  /** `PATH` in it is where the program is looked for. */
  readonly env: Environment;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with what the program writes, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Runs it to its end. An aborted signal ends it and rejects with the signal's reason. */
export async function runTool(
  [command, ...first]: Tool,
  args: readonly string[],
  { env, cwd, signal, onOutput }: ToolOptions,
): Promise<ToolResult> {
  signal?.throwIfAborted();
  const result = await new Promise<ToolResult>((resolve) => {
    const child = spawn(command, [...first, ...args], {
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    let output = "";
    const take = (text: string): void => {
      output += text;
      onOutput?.(text);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    const stop = (): void => void child.kill("SIGTERM");
    signal?.addEventListener("abort", stop, { once: true });
    const end = (code: number | null | undefined): void => {
      signal?.removeEventListener("abort", stop);
      resolve({ code: code ?? undefined, output });
    };
    child.once("error", () => {
      end(undefined);
    });
    child.once("close", end);
  });
  signal?.throwIfAborted();
  return result;
}

/** The first of `candidates` that answers `--version`. */
export async function findTool(
  candidates: readonly Tool[],
  options: ToolOptions,
): Promise<{ readonly tool: Tool; readonly version: string } | undefined> {
  for (const tool of candidates) {
    const { code, output } = await runTool(tool, ["--version"], options);
    if (code === 0) return { tool, version: output.split("\n")[0]!.trim() };
  }
  return undefined;
}

/** The last line that says something: where pip, npm and compilers put the reason. */
export function lastLine(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.trim());
  const errors = lines.filter((line) => /^(npm )?(error|err!)|error:/i.test(line));
  return errors.at(-1) ?? lines.filter((line) => line !== "").at(-1) ?? "no output";
}
