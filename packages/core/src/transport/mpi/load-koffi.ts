/**
 * Loads koffi when MPI is used, and not before: worlds of threads must not depend on its native part.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import type koffi from "koffi";
import { MpiStartError } from "./mpi-error.ts";

/**
 * The module.
 *
 * @throws MpiStartError if its binary for this system is not installed.
 */
export function loadKoffi(): typeof koffi {
  try {
    return createRequire(import.meta.url)("koffi") as typeof koffi;
  } catch (error) {
    throw new MpiStartError(
      `MPI: the package koffi must be installed with its binary for ${process.platform} ${process.arch}; install without --omit=optional.`,
      { cause: error },
    );
  }
}
