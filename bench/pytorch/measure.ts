/**
 * Measures single operations on both engines, in plain tfjs and in PyTorch, in turn.
 *
 * @packageDocumentation
 */
import { createWorld, type EngineName } from "@meshwright/core";
import { MODELS } from "../step/run.ts";
import { createTurns, endTurn, untilTurn, type Turns } from "../step/turns.ts";
import type measureProgram from "./measure-program.ts";
import { isCollective, MEASUREMENTS } from "./measurements.ts";
import { startTorch } from "./torch-ranks.ts";

/** The columns of the table. */
export const MEASURED = ["tensorflow", "tensorflow, plain tfjs", "wasm", "PyTorch"] as const;

/** Fastest milliseconds per call, by column; null where it does not apply. */
export interface OperationFigure {
  readonly name: string;
  readonly unit: "GFLOP/s" | "GB/s" | "ms";
  readonly work: number;
  readonly fastestMs: readonly (number | null)[];
}

/** Milliseconds by measurement and round. */
type Samples = readonly (readonly number[])[];

/** How often each is measured, and who hears of it. */
export interface MeasureGame {
  readonly rounds: number;
  /** One call per sample, and no wasm. */
  readonly quick: boolean;
  readonly onDone: (name: string) => void;
}

/** The machine's limits show in the fastest of `rounds` samples. */
export async function measureOperations(python: string, game: MeasureGame): Promise<OperationFigure[]> {
  const columns: ((turns: Turns, player: number) => Promise<Samples>)[] = [
    onWorld("tensorflow", "meshwright", game),
    onWorld("tensorflow", "plain", game),
    ...(game.quick ? [] : [onWorld("wasm", "meshwright", game)]),
    onTorch(python, game),
  ];
  const turns = createTurns(columns.length);
  const samples: (Samples | null)[] = await Promise.all(
    columns.map((column, player) => column(turns, player)),
  );
  if (game.quick) samples.splice(2, 0, null);
  return MEASUREMENTS.map((measurement, index) => ({
    name: measurement.name,
    unit: measurement.unit,
    work: measurement.work,
    fastestMs: samples.map((all, column) => {
      // Between threads there is no second way to reduce.
      const isSame = MEASURED[column] === "tensorflow, plain tfjs" && isCollective(measurement);
      return all === null || isSame ? null : Math.min(...all[index]!);
    }),
  }));
}

function onWorld(engine: EngineName, form: "meshwright" | "plain", { rounds, quick }: MeasureGame) {
  return async (turns: Turns, player: number): Promise<Samples> => {
    const world = await createWorld({ ranks: 2, engine, threadsPerRank: 1 });
    try {
      const program = new URL("./measure-program.ts", import.meta.url);
      const byRank = await world.run<typeof measureProgram>(program, { form, rounds, quick, turns, player });
      return byRank[0]!.map((ms, index) =>
        isCollective(MEASUREMENTS[index]!)
          ? ms.map((first, round) => Math.max(first, byRank[1]![index]![round]!))
          : ms,
      );
    } finally {
      await world.close();
    }
  };
}

function onTorch(python: string, { rounds, quick, onDone }: MeasureGame) {
  return async (turns: Turns, player: number): Promise<Samples> => {
    const sizes = MODELS[0]!;
    const both = await startTorch(python, { mode: "dp", ranks: 2, sizes });
    const alone = await startTorch(python, { mode: "dense", ranks: 1, sizes });
    try {
      const samples: number[][] = [];
      for (const [index, measurement] of MEASUREMENTS.entries()) {
        const ranks = isCollective(measurement) ? both : alone;
        const ms: number[] = [];
        for (let round = -1; round < rounds; round++) {
          await untilTurn(turns, player, index * (rounds + 1) + round + 1);
          const { name } = measurement;
          const calls = quick ? 1 : measurement.calls;
          const answers = await ranks.tell<{ readonly ms: number }>({ do: "measure", name, calls });
          if (round >= 0) ms.push(Math.max(...answers.map((answer) => answer.ms)));
          endTurn(turns);
        }
        samples.push(ms);
        onDone(measurement.name);
      }
      return samples;
    } finally {
      await Promise.all([both.close(), alone.close()]);
    }
  };
}
