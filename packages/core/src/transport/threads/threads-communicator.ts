/**
 * The communicator of one group of threads.
 *
 * @packageDocumentation
 */
import { ContractError } from "../../errors.ts";
import { dtypeName } from "../dtype-name.ts";
import type { Call, Communicator, NumericArray, OpenOptions, ReduceOp } from "../transport.ts";
import { allGather } from "./all-gather.ts";
import { allReduce } from "./all-reduce.ts";
import { allToAll } from "./all-to-all.ts";
import { barrier, broadcast } from "./broadcast.ts";
import { Exchange, type RankParts } from "./exchange.ts";
import type { IncomingMail } from "./incoming-mail.ts";
import { bytesOf, messageText } from "./message.ts";
import type { OutgoingMail } from "./outgoing-mail.ts";
import type { OwnStatus } from "./own-status.ts";
import { reduceScatter } from "./reduce-scatter.ts";
import type { CurrentCall, Watchdog } from "./watchdog.ts";

/** What a rank's communicators share. */
export interface ThreadsRankParts extends RankParts {
  readonly status: OwnStatus;
  /** Mailboxes by world rank. */
  readonly outgoing: readonly OutgoingMail[];
  readonly incoming: readonly IncomingMail[];
}

/** Moves data between the ranks of one group. */
export class ThreadsCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #parts: ThreadsRankParts;
  readonly #status: OwnStatus;
  readonly #watchdog: Watchdog;
  readonly #exchange: Exchange;
  readonly #context: number;
  readonly #ranks: readonly number[];
  readonly #timeoutMs: number;
  #call: Call | undefined;

  constructor(parts: ThreadsRankParts, ranks: readonly number[], options: OpenOptions, context: number) {
    this.rank = ranks.indexOf(parts.worldRank);
    this.size = ranks.length;
    this.#parts = parts;
    this.#status = parts.status;
    this.#watchdog = parts.watchdog;
    this.#exchange = new Exchange(parts, ranks, context);
    this.#context = context;
    this.#ranks = ranks;
    this.#timeoutMs = options.timeoutMs;
  }

  begin(call: Call): void {
    const current: CurrentCall = { call, ranks: this.#ranks, timeoutMs: this.#timeoutMs };
    this.#watchdog.enter(current);
    this.#call = call;
  }

  allReduce(send: NumericArray, receive: NumericArray, op: ReduceOp): void {
    allReduce(this.#exchange, this.#takeCall(), { send, receive, op });
    this.#status.endCall();
  }

  allGather(send: NumericArray, receive: NumericArray, counts: readonly number[]): void {
    allGather(this.#exchange, this.#takeCall(), { send, receive }, counts);
    this.#status.endCall();
  }

  reduceScatter(send: NumericArray, receive: NumericArray, counts: readonly number[], op: ReduceOp): void {
    reduceScatter(this.#exchange, this.#takeCall(), { send, receive, op }, counts);
    this.#status.endCall();
  }

  allToAll(
    send: NumericArray,
    sendCounts: readonly number[],
    receive: NumericArray,
    receiveCounts: readonly number[],
  ): void {
    const pieces = { array: send, counts: sendCounts };
    allToAll(this.#exchange, this.#takeCall(), pieces, { array: receive, counts: receiveCounts });
    this.#status.endCall();
  }

  broadcast(buffer: NumericArray, root: number): void {
    broadcast(this.#exchange, this.#takeCall(), buffer, root);
    this.#status.endCall();
  }

  send(buffer: NumericArray, to: number, tag: number): void {
    this.#takeCall();
    const header = {
      context: this.#context,
      tag,
      byteLength: buffer.byteLength,
      dtype: dtypeName(buffer),
    };
    this.#parts.outgoing[this.#ranks[to]!]!.send(header, bytesOf(buffer));
    this.#status.endCall();
  }

  receive(buffer: NumericArray, from: number, tag: number): void {
    const call = this.#takeCall();
    const wanted = {
      context: this.#context,
      tag,
      byteLength: buffer.byteLength,
      dtype: dtypeName(buffer),
    };
    const other = this.#parts.incoming[this.#ranks[from]!]!.receive(wanted, bytesOf(buffer));
    if (other) {
      this.#watchdog.fail(
        "mismatch",
        `Message mismatch in group "${call.group}": rank ${from} sent ${messageText(other)} with tag ${tag}, rank ${this.rank} called ${call.describe()}; both sides must give the same dtype and length.`,
      );
    }
    this.#status.endCall();
  }

  barrier(): void {
    barrier(this.#exchange, this.#takeCall());
    this.#status.endCall();
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
