/**
 * The clocks of simulated ranks and the wires between them.
 *
 * @packageDocumentation
 */
import type { StageMessage, Step } from "../communication.ts";
import type { TimelineEvent } from "../timeline-record.ts";
import type { ResolvedCosts } from "./costs.ts";

/** How sends behave. */
export interface ClockOptions {
  readonly costs: ResolvedCosts;
  readonly numRanks: number;
  /** Whether a rank goes on working while its message is on the wire. */
  readonly overlapSends: boolean;
  readonly bufferedMessages: number;
}

/** Takes steps in an order in which causes come first, and says when each of them happens. */
export class Clock {
  readonly events: TimelineEvent[] = [];
  readonly #options: ClockOptions;
  /** When each rank is free. */
  readonly #now: number[];
  /** Tag of a message that is underway to its arrival. */
  readonly #arrivals = new Map<number, number>();
  /** `pair -> when its wire is free`. */
  readonly #wireFree = new Map<number, number>();
  /** `pair -> when each of its receives was done`. */
  readonly #received = new Map<number, number[]>();
  /** `pair -> sends so far`. */
  readonly #sent = new Map<number, number>();

  constructor(options: ClockOptions) {
    this.#options = options;
    this.#now = new Array<number>(options.numRanks).fill(0);
  }

  take(rank: number, step: Step): void {
    switch (step.kind) {
      case "action":
        this.#work(rank, step);
        break;
      case "send":
        this.#send(step.message);
        break;
      case "receive":
        this.#receive(step.message);
        break;
    }
  }

  #work(rank: number, { action, stage }: Step & { readonly kind: "action" }): void {
    const { kind, microBatch, chunk } = action;
    const start = this.#now[rank]!;
    const end = start + this.#options.costs.duration(kind, stage);
    this.events.push({ rank, kind, microBatch, stage, chunk, start, end });
    this.#now[rank] = end;
  }

  #send(message: StageMessage): void {
    const { costs, overlapSends } = this.#options;
    const pair = this.#pair(message);
    const start = Math.max(this.#now[message.from]!, this.#roomSince(message, pair));
    const arrived = Math.max(start, this.#wireFree.get(pair) ?? 0) + costs.transferMs(this.#bytes(message));
    this.#wireFree.set(pair, arrived);
    this.#arrivals.set(message.tag, arrived + costs.latencyMs);
    this.#sent.set(pair, (this.#sent.get(pair) ?? 0) + 1);
    this.#now[message.from] = overlapSends ? start : arrived;
  }

  #receive(message: StageMessage): void {
    const at = Math.max(this.#now[message.to]!, this.#arrivals.get(message.tag)!);
    this.#arrivals.delete(message.tag);
    this.#now[message.to] = at;
    const pair = this.#pair(message);
    const received = this.#received.get(pair);
    if (received) received.push(at);
    else this.#received.set(pair, [at]);
  }

  /** When the buffer of the pair had room for its next message; without a buffer, when the receiver stood waiting. */
  #roomSince({ to }: StageMessage, pair: number): number {
    const { bufferedMessages } = this.#options;
    if (bufferedMessages === 0) return this.#now[to]!;
    return this.#received.get(pair)?.[(this.#sent.get(pair) ?? 0) - bufferedMessages] ?? 0;
  }

  #bytes({ payload, stage }: StageMessage): number {
    // A gradient is as large as the output it belongs to, which is the input of the next stage.
    return this.#options.costs.inputBytes[payload === "activation" ? stage : stage + 1]!;
  }

  #pair({ from, to }: StageMessage): number {
    return from * this.#options.numRanks + to;
  }
}
