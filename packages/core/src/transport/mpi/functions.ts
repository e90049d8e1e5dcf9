/**
 * The C declarations of the functions of MPI that are used.
 *
 * Buffers and out-parameters are `void *` and get the typed array itself: koffi passes its address, without a copy.
 *
 * @packageDocumentation
 */
import type { MpiHandle } from "./abi.ts";
import type { MpiLibrary } from "./library.ts";

/** A typed array, an address, or none. */
export type Memory = ArrayBufferView | bigint | null;

/** The functions; each returns MPI's error code. */
export interface MpiFunctions {
  initialized(flag: Memory): number;
  initThread(argc: Memory, argv: Memory, required: number, provided: Memory): number;
  finalize(): number;
  errorString(code: number, text: Memory, length: Memory): number;
  setErrorHandler(communicator: MpiHandle, handler: MpiHandle): number;
  commRank(communicator: MpiHandle, rank: Memory): number;
  commSize(communicator: MpiHandle, size: Memory): number;
  commGroup(communicator: MpiHandle, group: Memory): number;
  groupIncl(group: MpiHandle, length: number, ranks: Memory, into: Memory): number;
  groupFree(group: Memory): number;
  commCreateGroup(communicator: MpiHandle, group: MpiHandle, tag: number, into: Memory): number;
  allreduce(
    send: Memory,
    receive: Memory,
    count: number,
    datatype: MpiHandle,
    op: MpiHandle,
    communicator: MpiHandle,
  ): number;
  iallreduce(
    send: Memory,
    receive: Memory,
    count: number,
    datatype: MpiHandle,
    op: MpiHandle,
    communicator: MpiHandle,
    request: Memory,
  ): number;
  allgather(
    send: Memory,
    sendCount: number,
    sendType: MpiHandle,
    receive: Memory,
    receiveCount: number,
    receiveType: MpiHandle,
    communicator: MpiHandle,
  ): number;
  allgatherv(
    send: Memory,
    sendCount: number,
    sendType: MpiHandle,
    receive: Memory,
    counts: Memory,
    offsets: Memory,
    receiveType: MpiHandle,
    communicator: MpiHandle,
  ): number;
  reduceScatter(
    send: Memory,
    receive: Memory,
    counts: Memory,
    datatype: MpiHandle,
    op: MpiHandle,
    communicator: MpiHandle,
  ): number;
  alltoallv(
    send: Memory,
    sendCounts: Memory,
    sendOffsets: Memory,
    sendType: MpiHandle,
    receive: Memory,
    receiveCounts: Memory,
    receiveOffsets: Memory,
    receiveType: MpiHandle,
    communicator: MpiHandle,
  ): number;
  bcast(buffer: Memory, count: number, datatype: MpiHandle, root: number, communicator: MpiHandle): number;
  isend(
    buffer: Memory,
    count: number,
    datatype: MpiHandle,
    to: number,
    tag: number,
    communicator: MpiHandle,
    request: Memory,
  ): number;
  iprobe(from: number, tag: number, communicator: MpiHandle, flag: Memory, status: Memory): number;
  improbe(
    from: number,
    tag: number,
    communicator: MpiHandle,
    flag: Memory,
    message: Memory,
    status: Memory,
  ): number;
  mrecv(buffer: Memory, count: number, datatype: MpiHandle, message: Memory, status: Memory): number;
  test(request: Memory, flag: Memory, status: Memory): number;
  getCount(status: Memory, datatype: MpiHandle, count: Memory): number;
}

/** In the types below `H` is a handle, `P` an address, `I` an int. */
const SIGNATURES: Readonly<Record<keyof MpiFunctions, readonly [name: string, parameters: string]>> = {
  initialized: ["MPI_Initialized", "P"],
  initThread: ["MPI_Init_thread", "PPIP"],
  finalize: ["MPI_Finalize", ""],
  errorString: ["MPI_Error_string", "IPP"],
  setErrorHandler: ["MPI_Comm_set_errhandler", "HH"],
  commRank: ["MPI_Comm_rank", "HP"],
  commSize: ["MPI_Comm_size", "HP"],
  commGroup: ["MPI_Comm_group", "HP"],
  groupIncl: ["MPI_Group_incl", "HIPP"],
  groupFree: ["MPI_Group_free", "P"],
  commCreateGroup: ["MPI_Comm_create_group", "HHIP"],
  allreduce: ["MPI_Allreduce", "PPIHHH"],
  iallreduce: ["MPI_Iallreduce", "PPIHHHP"],
  allgather: ["MPI_Allgather", "PIHPIHH"],
  allgatherv: ["MPI_Allgatherv", "PIHPPPHH"],
  reduceScatter: ["MPI_Reduce_scatter", "PPPHHH"],
  alltoallv: ["MPI_Alltoallv", "PPPHPPPHH"],
  bcast: ["MPI_Bcast", "PIHIH"],
  isend: ["MPI_Isend", "PIHIIHP"],
  iprobe: ["MPI_Iprobe", "IIHPP"],
  improbe: ["MPI_Improbe", "IIHPPP"],
  mrecv: ["MPI_Mrecv", "PIHPP"],
  test: ["MPI_Test", "PPP"],
  getCount: ["MPI_Get_count", "PHP"],
};

/** Binds all functions to a loaded library. */
export function declareFunctions(library: MpiLibrary["library"], handleType: "void *" | "int"): MpiFunctions {
  const types: Readonly<Record<string, string>> = { H: handleType, P: "void *", I: "int" };
  const bound = Object.entries(SIGNATURES).map(([key, [name, parameters]]) => [
    key,
    library.func(
      name,
      "int",
      Array.from(parameters, (parameter) => types[parameter]!),
    ),
  ]);
  return Object.fromEntries(bound) as MpiFunctions;
}
