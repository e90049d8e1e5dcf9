/**
 * The collectives over MPI as tables.
 *
 * @packageDocumentation
 */
import type { MpiFigure } from "../mpi/measure.ts";
import type { Section } from "./table.ts";

/** One for each implementation of MPI. */
export function mpiSections(figures: readonly MpiFigure[]): readonly Section[] {
  return [...new Set(figures.map(({ engine }) => engine))].map((engine) => {
    const own = figures.filter((figure) => figure.engine === engine);
    const hasGloo = own.some(({ glooUs }) => glooUs !== null);
    return {
      title: `${engine}: microseconds per call`,
      table: {
        header: [
          ...["collective", "bytes", "C", "TypeScript", "ratio", "difference", "threads"],
          ...(hasGloo ? ["gloo"] : []),
        ],
        rows: own.map(({ collective, bytes, cUs, typescriptUs, threadsUs, glooUs }) => [
          collective,
          String(bytes),
          microseconds(cUs),
          microseconds(typescriptUs),
          (typescriptUs / cUs).toFixed(2),
          microseconds(typescriptUs - cUs),
          microseconds(threadsUs),
          ...(hasGloo ? [glooUs === null ? "-" : microseconds(glooUs)] : []),
        ]),
      },
    };
  });
}

function microseconds(us: number): string {
  return us.toFixed(Math.abs(us) < 100 ? 1 : 0);
}
