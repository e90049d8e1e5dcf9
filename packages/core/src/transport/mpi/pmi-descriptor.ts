/**
 * Whether this process can talk to the launcher that started it: MPICH's launchers give each process an open socket.
 *
 * @packageDocumentation
 */
import { fstatSync } from "node:fs";
import { MpiStartError } from "./mpi-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `PMI_FD` is the number of the socket, which npx and other programs that start Node.js as a child close; MPICH's library would then
 * write into whatever has that number. With `mpirun -pmi-port` a process learns its rank only by asking for it.
 *
 * @throws MpiStartError if the socket is not there, or is not the way that was chosen.
 */
export function checkPmiDescriptor(
  where: string,
  environment: Environment,
  isOpenSocket: (descriptor: number) => boolean = isSocket,
): void {
  const { PMI_FD, PMI_PORT, PMI_SIZE } = environment;
  if (PMI_FD !== undefined && !isOpenSocket(Number(PMI_FD))) {
    throw new MpiStartError(
      `${where}: the socket of the MPI launcher (PMI_FD=${PMI_FD}) must be open in this process; npx and npm do not pass it on: start node_modules/.bin/meshwright instead of npx meshwright.`,
    );
  }
  if (PMI_PORT !== undefined && PMI_SIZE === undefined) {
    throw new MpiStartError(
      `${where}: the MPI launcher (PMI_PORT=${PMI_PORT}) must tell each process its rank, which it does not with -pmi-port; leave this option out.`,
    );
  }
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false;
  }
}
