/**
 * Who takes part in the training-step benchmark: worlds of Meshwright, plain tfjs, and PyTorch.
 *
 * @packageDocumentation
 */
import { createWorld, type EngineName } from "@meshwright/core";
import type { StepProfile } from "../step/kernel-times.ts";
import { slowestPerStep } from "../step/run.ts";
import type train from "../step/train.ts";
import type { StepSizes } from "../step/train.ts";
import { endTurn, untilTurn, type Turns } from "../step/turns.ts";
import type plainTrain from "./plain-train.ts";
import { startTorch, type TorchMode } from "./torch-ranks.ts";

/** How many steps are not measured, are, and are with the clock around every kernel. */
export interface Steps {
  readonly warmUp: number;
  readonly timed: number;
  readonly profiled: number;
}

/** What all players are given. */
export interface Game {
  readonly sizes: StepSizes;
  readonly seed: number;
  readonly steps: Steps;
  readonly python: string;
}

/** What one player measured. */
export interface Played {
  /** Of every timed step, of the slowest rank. */
  readonly stepMs: readonly number[];
  readonly finalLoss: number;
  readonly bytesSent: number | null;
  readonly profile: StepProfile | null;
}

/** One way to run the step. */
export interface Player {
  readonly name: string;
  readonly ranks: number;
  /** Waits until it can play; the returned function plays all its turns. */
  readonly ready: (game: Game) => Promise<{
    readonly play: (turns: Turns, player: number) => Promise<Played>;
    readonly close: () => Promise<void>;
  }>;
}

/** In the order of the table. */
export const PLAYERS: readonly Player[] = [
  plainPlayer("plain tfjs-node"),
  worldPlayer("Meshwright, 1 rank", "tensorflow", { dp: 1, tp: 1 }),
  worldPlayer("Meshwright, tp=2", "tensorflow", { dp: 1, tp: 2 }),
  worldPlayer("Meshwright, dp=2", "tensorflow", { dp: 2, tp: 1 }),
  worldPlayer("Meshwright, 1 rank, wasm", "wasm", { dp: 1, tp: 1 }),
  torchPlayer("PyTorch, 1 rank", "dense", 1),
  torchPlayer("PyTorch, tp=2", "tp", 2),
  torchPlayer("PyTorch, dp=2", "dp", 2),
];

function worldPlayer(
  name: string,
  engine: EngineName,
  mesh: { readonly dp: number; readonly tp: number },
): Player {
  const ranks = mesh.dp * mesh.tp;
  return {
    name,
    ranks,
    ready: async ({ sizes, seed, steps }) => {
      const world = await createWorld({ ranks, engine, threadsPerRank: 1 });
      return {
        close: () => world.close(),
        play: async (turns, player) => {
          const program = new URL("../step/train.ts", import.meta.url);
          const results = await world.run<typeof train>(program, { sizes, mesh, seed, steps, turns, player });
          const first = results[0]!;
          return {
            stepMs: slowestPerStep(results.map(({ stepMs }) => stepMs)),
            finalLoss: first.losses.at(-1)!,
            bytesSent: first.communication.reduce((sum, total) => sum + total.bytesSent, 0),
            profile: first.profile ?? null,
          };
        },
      };
    },
  };
}

function plainPlayer(name: string): Player {
  return {
    name,
    ranks: 1,
    ready: async ({ sizes, seed, steps }) => {
      const world = await createWorld({ ranks: 1, engine: "tensorflow", threadsPerRank: 1 });
      const numSteps = steps.warmUp + steps.timed + steps.profiled;
      return {
        close: () => world.close(),
        play: async (turns, player) => {
          const program = new URL("./plain-train.ts", import.meta.url);
          const options = { sizes, seed, numSteps, turns, player };
          const [result] = await world.run<typeof plainTrain>(program, options);
          return {
            stepMs: result!.stepMs.slice(steps.warmUp, steps.warmUp + steps.timed),
            finalLoss: result!.losses.at(-1)!,
            bytesSent: null,
            profile: null,
          };
        },
      };
    },
  };
}

function torchPlayer(name: string, mode: TorchMode, ranks: number): Player {
  return {
    name,
    ranks,
    ready: async ({ python, sizes, steps }) => {
      const torch = await startTorch(python, { mode, ranks, sizes });
      const numSteps = steps.warmUp + steps.timed + steps.profiled;
      return {
        close: () => torch.close(),
        play: async (turns, player) => {
          const answers: (readonly { readonly ms: number; readonly loss: number }[])[] = [];
          for (let round = 0; round < numSteps; round++) {
            await untilTurn(turns, player, round);
            answers.push(await torch.tell({ do: "step" }));
            // Its own profiler takes five steps; the last turn is long enough.
            if (round === numSteps - 1 && mode === "dense") break;
            endTurn(turns);
          }
          const profile = mode === "dense" ? (await torch.tell<StepProfile>({ do: "profile" }))[0]! : null;
          if (mode === "dense") endTurn(turns);
          const timed = answers.slice(steps.warmUp, steps.warmUp + steps.timed);
          return {
            stepMs: timed.map((ranksOf) => Math.max(...ranksOf.map(({ ms }) => ms))),
            finalLoss: answers.at(-1)![0]!.loss,
            bytesSent: null,
            profile,
          };
        },
      };
    },
  };
}
