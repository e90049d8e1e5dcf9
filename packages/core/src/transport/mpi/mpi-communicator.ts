/**
 * The communicator of one group of MPI processes.
 *
 * Every collective first meets (see `call-check.ts`), then moves its data in one call of MPI. A barrier is the meeting.
 *
 * @packageDocumentation
 */
import { ContractError } from "../../errors.ts";
import { failureError } from "../failures.ts";
import { mismatchText } from "../reports.ts";
import type { Call, Communicator, NumericArray, ReduceOp } from "../transport.ts";
import type { MpiHandle } from "./abi.ts";
import { CallCheck, type PieceCounts } from "./call-check.ts";
import { DataCalls } from "./data-calls.ts";
import { checkMpiTag, type Mail } from "./mail.ts";
import type { Mpi } from "./mpi.ts";
import type { OwnPlace } from "./own-place.ts";
import type { PendingSends } from "./pending-sends.ts";
import type { MpiWaiter } from "./waiter.ts";

/** What the communicators of a rank share. */
export interface MpiRankParts {
  readonly mpi: Mpi;
  readonly place: OwnPlace;
  readonly waiter: MpiWaiter;
  readonly mail: Mail;
  readonly pending: PendingSends;
  readonly deterministic: boolean;
  /** The first failure of this rank: every later call fails in the same way. */
  failure: Error | undefined;
}

/** Moves data between the ranks of one group. */
export class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #parts: MpiRankParts;
  readonly #handle: MpiHandle;
  readonly #ranks: readonly number[];
  /** Number of the group in this run, by which the rank's status names it. */
  readonly #number: number;
  readonly #check: CallCheck;
  readonly #data: DataCalls;
  #call: Call | undefined;

  constructor(
    parts: MpiRankParts,
    ranks: readonly number[],
    { handle, number }: { readonly handle: MpiHandle; readonly number: number },
  ) {
    this.rank = ranks.indexOf(parts.mpi.rank);
    this.size = ranks.length;
    this.#parts = parts;
    this.#handle = handle;
    this.#ranks = ranks;
    this.#number = number;
    const group = { communicator: handle, rank: this.rank, size: this.size };
    this.#check = new CallCheck(parts.mpi, parts.waiter, group);
    this.#data = new DataCalls(parts.mpi, group, parts.deterministic);
  }

  begin(call: Call): void {
    const { failure, mpi, place } = this.#parts;
    if (failure !== undefined) throw failure;
    mpi.enter(call);
    place.beginCall(call, this.#number);
    this.#call = call;
  }

  allReduce(send: NumericArray, receive: NumericArray, op: ReduceOp): void {
    this.#meet();
    this.#data.allReduce(send, receive, op);
    this.#parts.place.endCall();
  }

  allGather(send: NumericArray, receive: NumericArray, counts: readonly number[]): void {
    this.#meet();
    this.#data.allGather(send, receive, counts);
    this.#parts.place.endCall();
  }

  reduceScatter(send: NumericArray, receive: NumericArray, counts: readonly number[], op: ReduceOp): void {
    this.#meet();
    this.#data.reduceScatter(send, receive, counts, op);
    this.#parts.place.endCall();
  }

  allToAll(
    send: NumericArray,
    sendCounts: readonly number[],
    receive: NumericArray,
    receiveCounts: readonly number[],
  ): void {
    this.#meet({ send: sendCounts, receive: receiveCounts });
    this.#data.allToAll(send, sendCounts, receive, receiveCounts);
    this.#parts.place.endCall();
  }

  broadcast(buffer: NumericArray, root: number): void {
    this.#meet();
    this.#data.broadcast(buffer, root);
    this.#parts.place.endCall();
  }

  send(buffer: NumericArray, to: number, tag: number): void {
    const call = this.#takeCall();
    checkMpiTag(`send (group "${call.group}")`, tag);
    this.#parts.mail.send(this.#handle, buffer, to, tag);
    this.#parts.place.countSent(this.#ranks[to]!);
    this.#parts.place.endCall();
  }

  receive(buffer: NumericArray, from: number, tag: number): void {
    const call = this.#takeCall();
    checkMpiTag(`receive (group "${call.group}")`, tag);
    this.#parts.place.setPartner(this.#ranks[from]!);
    const other = this.#parts.mail.receive(this.#handle, buffer, from, tag);
    this.#parts.place.countReceived(this.#ranks[from]!);
    if (other) {
      this.#fail(
        `Message mismatch in group "${call.group}": rank ${from} sent ${other.dtype}[${other.length}] with tag ${tag}, rank ${this.rank} called ${call.describe()}; both sides must give the same dtype and length.`,
      );
    }
    this.#parts.place.endCall();
  }

  barrier(): void {
    this.#meet();
    this.#parts.place.endCall();
  }

  /** Waits for all members and compares their calls. */
  #meet(pieces?: PieceCounts): void {
    const call = this.#takeCall();
    // MPI moves messages only while somebody calls it; those that are done free their memory here.
    this.#parts.pending.collect();
    const agreement = this.#check.meet(call, pieces);
    if (agreement === "same") return;
    const texts = this.#check.gatherTexts(call.describe());
    const calls = texts.map((text, rank) => ({
      rank,
      worldRank: this.#ranks[rank]!,
      called: { group: call.group, text },
    }));
    const detail = agreement === "different pieces" && pieces !== undefined ? this.#pieceDetail(pieces) : "";
    this.#fail(mismatchText(call.group, calls, detail));
  }

  /** The first pair of this rank that disagrees, or the first pair at all. */
  #pieceDetail(own: PieceCounts): string {
    const all = this.#check.gatherCounts(own);
    const pairs = all.flatMap((_, to) => all.map((__, from) => ({ to, from })));
    const ownFirst = [...pairs.filter(({ to }) => to === this.rank), ...pairs];
    const differs = (from: number, to: number): boolean => all[from]!.send[to] !== all[to]!.receive[from];
    const wrong = ownFirst.find(({ to, from }) => differs(from, to) || differs(to, from));
    if (wrong === undefined) return "";
    const { to, from } = wrong;
    return `: rank ${from} sends ${all[from]!.send[to]!} elements to rank ${to}, which expects ${all[to]!.receive[from]!}, and expects ${all[from]!.receive[to]!} from it, which sends ${all[to]!.send[from]!}`;
  }

  #fail(text: string): never {
    this.#parts.failure = failureError("mismatch", text);
    throw this.#parts.failure;
  }

  #takeCall(): Call {
    const call = this.#call;
    if (!call) {
      throw new ContractError(
        "Communicator: a call (none begun) must be announced by begin; use a ProcessGroup, which does so.",
      );
    }
    this.#call = undefined;
    return call;
  }
}
