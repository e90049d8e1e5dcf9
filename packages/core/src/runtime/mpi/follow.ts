/**
 * What a process of an MPI world does that is not rank 0: it takes orders until the world ends, and then ends itself.
 *
 * @packageDocumentation
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { hostname } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import type { MpiLauncher } from "../../transport/mpi/launcher.ts";
import { MpiStartError } from "../../transport/mpi/mpi-error.ts";
import { describeFailure } from "../describe-failure.ts";
import type { RankSettings } from "../messages.ts";
import { endProcess } from "./end-process.ts";
import { Link } from "./link.ts";
import type { News, Order } from "./orders.ts";
import { ownFacts } from "./own-facts.ts";
import { RankHost } from "./rank-host.ts";
import type { Claim, StartFacts } from "./start-facts.ts";

/** How long it tries one address of rank 0. */
const CONNECT_MS = 3_000;
/** How long it leaves rank 0 to print the reason of a failure: the launcher ends all once the first has ended. */
const LAST_WORDS_MS = 5_000;

/** What a follower is made with. */
export interface FollowParts {
  readonly settings: RankSettings;
  readonly launcher: MpiLauncher;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly claims: readonly Claim[];
  /** Ends the process. */
  readonly signal: AbortSignal | undefined;
}

/** Never returns: the process ends with the world. */
export async function follow({ claims, signal, ...parts }: FollowParts): Promise<never> {
  signal?.addEventListener("abort", () => {
    endProcess(1);
  });
  let link: Link<News, Order> | undefined;
  const host = new RankHost({
    ...parts,
    facts: ownFacts(claims),
    onNews: (news) => {
      link?.send(news);
    },
  });
  try {
    const facts = await host.joined;
    link = linkTo(await connectTo(facts[0]!), host);
    link.send({ kind: "hello", rank: host.rank, secret: facts[0]!.control!.secret });
  } catch (error) {
    giveUp(error, parts.launcher);
  }
  return new Promise<never>(() => undefined);
}

/** Rank 0 says what ranks differ in; what only this host knows it says itself, once per host. */
function giveUp(error: unknown, { localRank }: MpiLauncher): void {
  if (error instanceof MpiStartError && localRank === 0) console.error(describeFailure(error));
  setTimeout(() => {
    endProcess(1);
  }, LAST_WORDS_MS);
}

function linkTo(socket: Socket, host: RankHost): Link<News, Order> {
  let ending = false;
  return new Link<News, Order>(socket, {
    onMessage: (order) => {
      switch (order.kind) {
        case "task":
        case "describe":
          host.obey(order);
          break;
        case "end":
          ending = true;
          void host.end().then(() => process.exit(0));
          break;
        case "abort":
          host.abandon();
          setTimeout(() => {
            endProcess(1);
          }, LAST_WORDS_MS);
          break;
      }
    },
    onClose: () => {
      if (!ending) endProcess(1);
    },
  });
}

async function connectTo({ host, control }: StartFacts): Promise<Socket> {
  const addresses = host === hostname() ? ["127.0.0.1", ...control!.addresses] : control!.addresses;
  for (const address of addresses) {
    const socket = connect({ host: address, port: control!.port });
    try {
      await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_MS) });
      return socket;
    } catch {
      socket.destroy();
    }
  }
  throw new MpiStartError(
    `MPI: ${hostname()} must reach rank 0 on ${host} at one of ${addresses.join(", ")}, port ${control!.port}; open the ports between the hosts.`,
  );
}
