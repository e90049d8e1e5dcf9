/**
 * What differs between the binary interfaces of Open MPI and MPICH: handles, constants, the layout of a status.
 *
 * @packageDocumentation
 */
import type { MpiEngine } from "./launcher.ts";

/** A communicator, datatype, operation, request or message: an address in Open MPI, a number in MPICH. */
export type MpiHandle = bigint | number;

/** Memory for one handle that MPI fills in. */
export interface HandleBox {
  /** What is passed to MPI. */
  readonly memory: BigUint64Array | Int32Array;
  readonly value: MpiHandle;
}

/** Looks up the address of a variable of the library. */
export type FindSymbol = (name: string) => bigint;

/** One binary interface. */
export interface MpiAbi {
  readonly engine: MpiEngine;
  /** How koffi passes a handle. */
  readonly handleType: "void *" | "int";
  readonly world: MpiHandle;
  readonly float32: MpiHandle;
  readonly int32: MpiHandle;
  readonly uint8: MpiHandle;
  readonly unsigned: MpiHandle;
  readonly sum: MpiHandle;
  readonly max: MpiHandle;
  readonly min: MpiHandle;
  readonly errorsReturn: MpiHandle;
  /** `MPI_IN_PLACE` and `MPI_STATUS_IGNORE`, both passed as addresses. */
  readonly inPlace: bigint;
  readonly statusIgnore: bigint | null;
  handleBox(): HandleBox;
}

/** Enough for the status of either implementation (24 and 20 bytes). */
export const STATUS_WORDS = 8;

/**
 * Open MPI 4 and 5: handles are addresses of variables in the library.
 *
 * @see https://github.com/open-mpi/ompi/blob/v4.1.x/ompi/include/mpi.h.in
 */
export function openMpiAbi(find: FindSymbol): MpiAbi {
  return {
    engine: "Open MPI",
    handleType: "void *",
    world: find("ompi_mpi_comm_world"),
    float32: find("ompi_mpi_float"),
    int32: find("ompi_mpi_int32_t"),
    uint8: find("ompi_mpi_uint8_t"),
    unsigned: find("ompi_mpi_unsigned"),
    sum: find("ompi_mpi_op_sum"),
    max: find("ompi_mpi_op_max"),
    min: find("ompi_mpi_op_min"),
    errorsReturn: find("ompi_mpi_errors_return"),
    inPlace: 1n,
    statusIgnore: null,
    handleBox: () => {
      const memory = new BigUint64Array(1);
      return {
        memory,
        get value() {
          return memory[0]!;
        },
      };
    },
  };
}

/**
 * MPICH 4 and 5 (its own interface, not the new standard one), and all that keep to the "MPICH ABI": numbers.
 *
 * @see https://github.com/pmodels/mpich/blob/v4.0.2/src/include/mpi.h.in
 */
export function mpichAbi(): MpiAbi {
  return {
    engine: "MPICH",
    handleType: "int",
    world: 0x44000000,
    float32: 0x4c00040a,
    int32: 0x4c000439,
    uint8: 0x4c00013b,
    unsigned: 0x4c000406,
    sum: 0x58000003,
    max: 0x58000001,
    min: 0x58000002,
    errorsReturn: 0x54000001,
    // The C header casts -1.
    inPlace: 0xffffffffffffffffn,
    statusIgnore: 1n,
    handleBox: () => {
      const memory = new Int32Array(1);
      return {
        memory,
        get value() {
          return memory[0]!;
        },
      };
    },
  };
}
