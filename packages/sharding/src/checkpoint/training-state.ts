/**
 * What a checkpoint holds of a training.
 *
 * @packageDocumentation
 */
import { CheckpointError, namedParameters, type JsonValue, type Parameter } from "@meshwright/core";
import { OPTIMIZER_PREFIX, type SavedOptimizer } from "./optimizer-state.ts";

/** What is saved and loaded: a model, and what trains it. */
export interface TrainingState {
  /** Its parameters are saved under their dotted names, and the call numbers of its random layers under their paths. */
  readonly model: object;
  /** The parameters to save or load, if not all of the model's: those of this rank's stages in a pipeline. */
  readonly parameters?: ReadonlyMap<string, Parameter> | undefined;
  /** Its state is saved under `optimizer.m.NAME`, `optimizer.v.NAME` (AdamW) or `optimizer.velocity.NAME` (SGD). */
  readonly optimizer?: SavedOptimizer | undefined;
  /** What the training was configured with; loading with another one is an error. Only its hash is saved. */
  readonly config?: JsonValue | undefined;
}

/** The parameters to save or load. @throws CheckpointError for a name that belongs to an optimizer's state. */
export function parametersOf(where: string, state: TrainingState): ReadonlyMap<string, Parameter> {
  const parameters = state.parameters ?? namedParameters(state.model);
  for (const name of parameters.keys()) {
    if (name.startsWith(OPTIMIZER_PREFIX)) {
      throw new CheckpointError(
        `${where}: parameter "${name}" must not begin with "${OPTIMIZER_PREFIX}", where the optimizer's state lies; use another field name.`,
      );
    }
  }
  return parameters;
}
