/**
 * What a blocked rank watches: the end of the world, the fate of the rank that it waits for, the time, and circles.
 *
 * @packageDocumentation
 */
import { InternalError } from "../../errors.ts";
import { failureError, WorldAbortedError, type FailureKind } from "../failures.ts";
import { deadlockText, finishedText, mismatchText, timeoutText, type Whereabouts } from "../reports.ts";
import type { CallReport } from "../reports.ts";
import type { Call } from "../transport.ts";
import type { ArenaMemory } from "./arena-memory.ts";
import { ABORTED, DESCRIBE_REQUESTS, FAILURES } from "./layout.ts";
import type { OwnStatus } from "./own-status.ts";
import type { StatusBoard } from "./status-board.ts";
import { sleepingCircle } from "./sleeping-circle.ts";
import type { BlockedRank, Waiter } from "./waiter.ts";

/** How long a rank that reports an error waits for the others to arrive and describe their calls. */
const DESCRIPTION_MS = 1_000;

/** The key of no circle. */
const NO_CIRCLE = "none";

/** The call that a rank is in, and who takes part. */
export interface CurrentCall {
  readonly call: Call;
  /** World ranks of the group. */
  readonly ranks: readonly number[];
  readonly timeoutMs: number;
}

/** Watches on behalf of one rank. */
export class Watchdog implements BlockedRank {
  readonly #memory: ArenaMemory;
  readonly #rank: number;
  readonly #own: OwnStatus;
  readonly #board: StatusBoard;
  /** Takes messages out of full mailboxes, so that whoever fills them can go on. */
  #takeMail: () => void = () => undefined;
  #waiter: Waiter | undefined;
  #current: CurrentCall | undefined;
  #answeredRequests = 0;
  #waitStartedMs = 0;
  #circleSeen = NO_CIRCLE;

  constructor(memory: ArenaMemory, rank: number, own: OwnStatus, board: StatusBoard) {
    this.#memory = memory;
    this.#rank = rank;
    this.#own = own;
    this.#board = board;
  }

  /** The parts that need the watchdog themselves. Called once. */
  connect(waiter: Waiter, takeMail: () => void): void {
    this.#waiter = waiter;
    this.#takeMail = takeMail;
  }

  /** A call starts. Throws what made this rank or the world fail before. */
  enter(current: CurrentCall): void {
    this.#current = current;
    this.#throwIfAborted();
    // Counted up after the failure is published. Without this look, a rank that arrives late could still take what a
    // failed rank had posted before.
    if (Atomics.load(this.#memory.words, FAILURES) !== 0) this.#throwIfAnyFailed(current.ranks);
    this.#own.beginCall(current.call);
  }

  startWait(): void {
    this.#waitStartedMs = performance.now();
    this.#circleSeen = NO_CIRCLE;
  }

  check(wait: { readonly counter: number; readonly value: number; readonly waitsFor: number }): void {
    this.#throwIfAborted();
    this.#answerRequests();
    this.#takeMail();
    this.#throwIfGone(wait);
    const waitedMs = performance.now() - this.#waitStartedMs;
    const current = this.#required();
    if (waitedMs >= current.timeoutMs) this.#timeOut(current, wait.waitsFor);
    const circle = sleepingCircle(this.#rank, this.#board, this.#memory.words);
    // Seen twice in a row, with nobody awake in between: nobody will ever wake.
    if (circle?.key === this.#circleSeen) this.#deadlock(circle.ranks);
    this.#circleSeen = circle?.key ?? NO_CIRCLE;
  }

  /** Reports that members of the current group are in different calls. Called by every rank that finds out. */
  mismatch(detail = ""): never {
    const { call, ranks } = this.#required();
    this.#collectDescriptions(
      ranks,
      (rank) => !this.#board.hasEnded(rank) && this.#board.failureOf(rank) === undefined,
    );
    const calls = ranks.map((_, rank) => this.#callReport(rank));
    return this.fail("mismatch", mismatchText(call.group, calls, detail));
  }

  /** Makes this rank fail for good; whoever waits for it fails with the same text. */
  fail(kind: FailureKind, text: string): never {
    this.#own.publishFailure(kind, text);
    // After the failure: whoever sees the count finds the failed rank.
    Atomics.add(this.#memory.words, FAILURES, 1);
    this.#waiter?.ringAll();
    throw failureError(kind, text);
  }

  /** The rank of the current group at `position`, with its call. */
  #callReport(position: number): CallReport {
    const worldRank = this.#required().ranks[position]!;
    const called = this.#board.isInCall(worldRank) ? this.#board.descriptionOf(worldRank) : undefined;
    return { rank: position, worldRank, ...(called === undefined ? {} : { called }) };
  }

  #throwIfAborted(): void {
    // Stored once by whoever stops the world, before it rings this rank's doorbell.
    if (Atomics.load(this.#memory.words, ABORTED) === 0) return;
    const call = this.#current?.call;
    const where = call === undefined ? "" : ` while rank ${this.#rank} was in ${call.describe()}`;
    throw new WorldAbortedError(
      `The world was stopped${where}; see the first error of the run for the reason.`,
    );
  }

  /** This rank failed before, or another member of the group it is about to use did. */
  #throwIfAnyFailed(ranks: readonly number[]): void {
    for (const rank of [this.#rank, ...ranks]) {
      const failure = this.#board.failureOf(rank);
      if (failure && rank === this.#rank) throw failureError(failure.kind, failure.text);
      if (failure) this.fail(failure.kind, failure.text);
    }
  }

  #throwIfGone({ waitsFor, counter, value }: Parameters<BlockedRank["check"]>[0]): void {
    const failure = this.#board.failureOf(waitsFor);
    const finished = this.#board.hasEnded(waitsFor);
    if (!failure && !finished) return;
    // Looked up again after the rank's end was seen: it may have sent the signal just before.
    if (((Atomics.load(this.#memory.words, counter) - value) | 0) >= 0) return;
    if (failure) this.fail(failure.kind, failure.text);
    this.#own.publishDescription(this.#required().call);
    this.fail(
      "finished",
      finishedText({
        waiting: this.#callReport(this.#position(this.#rank)),
        finished: {
          rank: this.#position(waitsFor),
          worldRank: waitsFor,
          where: this.#whereabouts(waitsFor),
        },
      }),
    );
  }

  #timeOut(current: CurrentCall, waitsFor: number): never {
    const { call, ranks, timeoutMs } = current;
    this.#collectDescriptions(ranks);
    const missing = ranks.filter(
      (rank) => rank === waitsFor || (call.sequence > 0 && !this.#board.isIn(rank, call)),
    );
    const text = timeoutText({
      waiting: this.#callReport(this.#position(this.#rank)),
      timeoutMs,
      missing: missing.map((worldRank) => ({
        rank: this.#position(worldRank),
        worldRank,
        where: this.#whereabouts(worldRank),
      })),
    });
    return this.fail("timeout", text);
  }

  #deadlock(circle: readonly number[]): never {
    this.#collectDescriptions(circle);
    const lowestFirst = circle.indexOf(Math.min(...circle));
    const ordered = [...circle.slice(lowestFirst), ...circle.slice(0, lowestFirst)];
    const text = deadlockText(
      ordered.map((worldRank) => ({ worldRank, where: this.#whereabouts(worldRank) })),
    );
    return this.fail("deadlock", text);
  }

  #whereabouts(worldRank: number): Whereabouts {
    const { sinceMs, ...status } = this.#board.statusOf(worldRank);
    return { ...status, ...(sinceMs === undefined ? {} : { forMs: Math.max(0, Date.now() - sinceMs) }) };
  }

  #position(worldRank: number): number {
    return this.#required().ranks.indexOf(worldRank);
  }

  /** Publishes this rank's call if another rank asked for it since the last answer. */
  #answerRequests(): void {
    // Stored before this rank's doorbell was rung.
    const requests = Atomics.load(this.#memory.words, DESCRIBE_REQUESTS);
    if (requests === this.#answeredRequests) return;
    this.#answeredRequests = requests;
    this.#own.publishDescription(this.#required().call);
    this.#waiter?.ringAll();
  }

  /**
   * Asks `ranks` for their calls and waits for those of whom an answer `canCome`. By default that is those inside a
   * call.
   */
  #collectDescriptions(
    ranks: readonly number[],
    canCome = (rank: number): boolean => this.#board.isInCall(rank),
  ): void {
    this.#own.publishDescription(this.#required().call);
    // Before the bells: a rank that wakes up sees the request.
    Atomics.add(this.#memory.words, DESCRIBE_REQUESTS, 1);
    this.#waiter?.ringAll();
    const endMs = performance.now() + DESCRIPTION_MS;
    const isDue = (rank: number): boolean =>
      canCome(rank) && (!this.#board.isInCall(rank) || this.#board.descriptionOf(rank) === undefined);
    while (ranks.some(isDue) && performance.now() < endMs) this.#waiter?.doze(1);
  }

  #required(): CurrentCall {
    if (!this.#current) throw new InternalError("a rank waits outside of any call");
    return this.#current;
  }
}
