/**
 * What the classifier of `cnn.ts` communicates.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh } from "@meshwright/sharding";
import { communicationOf, type CnnCommunication } from "./cnn.ts";
import { inScope } from "./in-scope.ts";

export default defineProgram<{ readonly dp: number; readonly tp: number }, unknown, CnnCommunication>(
  ({ world, options: { dp, tp } }) => inScope(() => communicationOf(createMesh(world, { dp, tp }))),
);
