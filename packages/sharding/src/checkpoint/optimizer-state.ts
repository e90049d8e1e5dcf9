/**
 * The state of an optimizer as named tensors.
 *
 * @packageDocumentation
 */
import { CheckpointError, type AdamWState, type OptimizerRecord } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";

/** An `AdamW`, or an optimizer with its state. */
export interface MomentOptimizer {
  readonly numSteps: number;
  readonly states: ReadonlyMap<string, AdamWState>;
  restore(numSteps: number, states: ReadonlyMap<string, AdamWState>): void;
}

/** An `SGD`, or an optimizer with its state. */
export interface VelocityOptimizer {
  readonly numSteps: number;
  readonly velocities: ReadonlyMap<string, Tensor>;
  restore(numSteps: number, velocities: ReadonlyMap<string, Tensor>): void;
}

/** An optimizer whose state can be saved. */
export type SavedOptimizer = MomentOptimizer | VelocityOptimizer;

/** How the names of an optimizer's tensors begin. */
export const OPTIMIZER_PREFIX = "optimizer.";

function isMoments(optimizer: SavedOptimizer): optimizer is MomentOptimizer {
  return "states" in optimizer;
}

/** The tensors of an optimizer: `optimizer.m.NAME` and `optimizer.v.NAME`, or `optimizer.velocity.NAME`. */
export function optimizerTensors(optimizer: SavedOptimizer): readonly (readonly [string, Tensor])[] {
  if (isMoments(optimizer)) {
    return [...optimizer.states].flatMap(([name, { m, v }]) => [
      [`${OPTIMIZER_PREFIX}m.${name}`, m] as const,
      [`${OPTIMIZER_PREFIX}v.${name}`, v] as const,
    ]);
  }
  return [...optimizer.velocities].map(([name, velocity]) => [
    `${OPTIMIZER_PREFIX}velocity.${name}`,
    velocity,
  ]);
}

/** What an optimizer is besides its tensors. */
export function optimizerRecord(optimizer: SavedOptimizer): OptimizerRecord {
  const { numSteps } = optimizer;
  if (!isMoments(optimizer)) return { kind: "SGD", numSteps, steps: {} };
  const steps = Object.fromEntries([...optimizer.states].map(([name, { step }]) => [name, step]));
  return { kind: "AdamW", numSteps, steps };
}

/**
 * Takes the tensors of a saved optimizer one by one, by their names in the checkpoint, and restores each parameter's state
 * as soon as it is whole.
 *
 * @throws CheckpointError if the checkpoint has no optimizer, or one of another kind.
 */
export function optimizerRestorer(
  optimizer: SavedOptimizer,
  saved: OptimizerRecord | null,
  folder: string,
): { readonly put: (name: string, value: Tensor) => void; readonly finish: () => void } {
  const kind = isMoments(optimizer) ? "AdamW" : "SGD";
  if (saved?.kind !== kind) {
    throw new CheckpointError(
      `loadCheckpoint: optimizer (${kind}) must be of the kind in ${folder} (${saved?.kind ?? "none"}); use the optimizer that was saved, or leave it out.`,
    );
  }
  if (!isMoments(optimizer)) return velocityRestorer(optimizer, saved);
  const waiting = new Map<string, Tensor>();
  return {
    put(fullName, value) {
      const [moment, name] = splitName(fullName);
      const other = waiting.get(name);
      if (other === undefined) {
        waiting.set(name, value);
        return;
      }
      waiting.delete(name);
      const [m, v] = moment === "v" ? [other, value] : [value, other];
      optimizer.restore(
        saved.numSteps,
        new Map([[name, { m, v, step: saved.steps[name] ?? saved.numSteps }]]),
      );
    },
    finish() {
      optimizer.restore(saved.numSteps, new Map());
    },
  };
}

function velocityRestorer(
  optimizer: VelocityOptimizer,
  saved: OptimizerRecord,
): ReturnType<typeof optimizerRestorer> {
  return {
    put(fullName, value) {
      optimizer.restore(saved.numSteps, new Map([[splitName(fullName)[1], value]]));
    },
    finish() {
      optimizer.restore(saved.numSteps, new Map());
    },
  };
}

/** Of `optimizer.m.blocks.0.weight`: `m` and `blocks.0.weight`. */
function splitName(fullName: string): readonly [string, string] {
  const rest = fullName.slice(OPTIMIZER_PREFIX.length);
  const dot = rest.indexOf(".");
  return [rest.slice(0, dot), rest.slice(dot + 1)];
}
