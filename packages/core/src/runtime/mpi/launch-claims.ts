/**
 * What the processes of a job must agree in when they launch a program.
 *
 * @packageDocumentation
 */
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { claim, fileHash, type Claim } from "./start-facts.ts";

/** The program file, by its content, and the options. Throws nothing: a missing file is found later, and better said. */
export function launchClaims(program: URL, options: unknown): readonly Claim[] {
  return [
    claim("program file", contentOf(program), "copy the same file to every host"),
    claim(
      "options of the program",
      inspect(options, { depth: Infinity, breakLength: Infinity, maxArrayLength: Infinity }),
      "give every rank the same command line",
    ),
  ];
}

function contentOf(program: URL): string {
  try {
    return `${fileURLToPath(program)}, SHA-256 ${fileHash(program.href)}`;
  } catch {
    return "cannot be read";
  }
}
