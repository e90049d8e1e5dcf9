/**
 * PyTorch in processes of its own, one per rank, which do one thing at a time as they are told.
 *
 * @packageDocumentation
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import { createServer } from "node:net";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ContractError } from "@meshwright/core";
import type { StepSizes } from "../step/train.ts";

/** How the model is split. */
export type TorchMode = "dense" | "tp" | "dp";

/** What a rank is told; `worker.py` says what it answers. */
export type TorchCommand =
  | { readonly do: "step" }
  | { readonly do: "profile" }
  | { readonly do: "measure"; readonly name: string; readonly calls: number };

/** Ranks that run until they are closed. */
export interface TorchRanks {
  readonly version: string;
  /** Gives the command to all ranks; their answers, by rank. */
  tell<Answer>(command: TorchCommand): Promise<readonly Answer[]>;
  /** Resolves when the processes have ended. */
  close(): Promise<void>;
}

/** Starts the ranks and waits until PyTorch is loaded in all of them. */
export async function startTorch(
  python: string,
  { mode, ranks, sizes }: { readonly mode: TorchMode; readonly ranks: number; readonly sizes: StepSizes },
): Promise<TorchRanks> {
  const port = await freePort();
  const workers = Array.from({ length: ranks }, (_, rank) =>
    startRank(python, [mode, String(rank), String(ranks), String(port), JSON.stringify(sizes)]),
  );
  const [first] = await Promise.all(workers.map((worker) => worker.next() as Promise<{ torch: string }>));
  return {
    version: first!.torch,
    tell: <Answer>(command: TorchCommand) =>
      Promise.all(
        workers.map((worker) => {
          worker.say(command);
          return worker.next() as Promise<Answer>;
        }),
      ),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

interface TorchRank {
  say(command: TorchCommand): void;
  next(): Promise<unknown>;
  end(): Promise<void>;
}

function startRank(python: string, args: readonly string[]): TorchRank {
  const script = fileURLToPath(new URL("worker.py", import.meta.url));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(python, [script, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, GLOO_SOCKET_IFNAME: process.env.GLOO_SOCKET_IFNAME ?? "lo" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (command) => child.stdin.write(`${JSON.stringify(command)}\n`),
    next: async () => {
      const line = await lines.next();
      if (line.done === true) {
        throw new ContractError(
          `bench pytorch: ${python} (ended) must run bench/pytorch/worker.py; see its message above, or use --python.`,
        );
      }
      return JSON.parse(line.value) as unknown;
    },
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) resolve();
        child.once("exit", () => {
          resolve();
        });
        child.stdin.end();
      }),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
