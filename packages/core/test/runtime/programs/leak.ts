import { keep, memory, ones, tidy, variable, engine } from "@tensorflow/tfjs";
import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Leaves `options.tensors` tensors, a variable and an open scope behind; keeps `options.kept` more. */
export default defineProgram(({ options }: ProgramContext<{ tensors: number; kept: number }, never>) => {
  const before = memory().numTensors;
  for (let index = 0; index < options.tensors; index++) ones([2, 3]);
  for (let index = 0; index < options.kept; index++) keep(ones([5]));
  tidy(() => ones([7]).add(1).dataSync());
  variable(ones([4]), true, "left behind").assign(ones([4]));
  engine().startScope("never ended");
  ones([11]);
  return memory().numTensors - before;
});
