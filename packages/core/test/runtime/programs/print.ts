import { defineProgram, type ProgramContext } from "../../../src/runtime/program.ts";

/** Writes in pieces, in several encodings, and without returning to the event loop. */
export default defineProgram(({ world, options }: ProgramContext<{ lines: number }, never>) => {
  process.stdout.write("first ");
  console.log("line of %d", world.rank);
  process.stdout.write(Buffer.from("gr\u00fcn\n").subarray(0, 3));
  process.stdout.write(Buffer.from("gr\u00fcn\n").subarray(3));
  process.stdout.write("776f72640a", "hex");
  console.error("an error line\nand another");
  for (let line = 0; line < options.lines; line++) console.log(`${world.rank}: ${line}`);
  process.stdout.write("no line break");
  return new Promise<boolean>((resolve) => {
    const isTaken = process.stdout.write("", () => {
      resolve(isTaken);
    });
  });
});
