import { ones } from "@tensorflow/tfjs";
import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Hands over something that cannot leave its thread. */
export default defineProgram(
  ({ options, report }: ProgramContext<"tensor" | "function" | "report", unknown>) => {
    if (options === "report") report(() => 1);
    return options === "tensor" ? ones([2]) : () => 1;
  },
);
