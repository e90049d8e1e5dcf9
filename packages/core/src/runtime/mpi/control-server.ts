/**
 * Where the processes of an MPI world connect to rank 0.
 *
 * @packageDocumentation
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { MpiLauncher } from "../../transport/mpi/launcher.ts";
import { Link } from "./link.ts";
import type { News, Order } from "./orders.ts";
import type { ControlAddress } from "./start-facts.ts";

/** Whom the server tells. */
export interface ControlListener {
  onNews(rank: number, news: News): void;
  /** The process of `rank` has closed its connection, or cannot be reached. */
  onLost(rank: number): void;
}

/** Rank 0's connections, by rank. */
export class ControlServer {
  readonly address: ControlAddress;
  /** Resolves once every other process has connected. */
  readonly allConnected: Promise<void>;
  readonly #server: Server;
  readonly #listener: ControlListener;
  readonly #links = new Map<number, Link<Order, News>>();
  readonly #numExpected: number;
  #connected: () => void = () => undefined;

  private constructor(server: Server, launcher: MpiLauncher, listener: ControlListener) {
    this.#server = server;
    this.#listener = listener;
    this.#numExpected = launcher.size - 1;
    const { port } = server.address() as AddressInfo;
    this.address = { addresses: ownAddresses(), port, secret: randomBytes(16).toString("hex") };
    this.allConnected = new Promise((resolve) => (this.#connected = resolve));
    server.on("connection", (socket) => {
      this.#accept(socket);
    });
  }

  /** Listens on all addresses, or only on this host's own where all processes are on it. */
  static async listen(launcher: MpiLauncher, listener: ControlListener): Promise<ControlServer> {
    const server = createServer();
    server.listen(0, launcher.localSize === launcher.size ? "127.0.0.1" : "0.0.0.0");
    await once(server, "listening");
    return new ControlServer(server, launcher, listener);
  }

  send(rank: number, order: Order): void {
    this.#links.get(rank)?.send(order);
  }

  sendAll(order: Order): void {
    for (const link of this.#links.values()) link.send(order);
  }

  /** Lets the process end although others are connected. */
  unref(): void {
    this.#server.unref();
    for (const link of this.#links.values()) link.unref();
  }

  close(): void {
    this.#server.close();
    for (const link of this.#links.values()) link.destroy();
  }

  #accept(socket: Socket): void {
    let rank: number | undefined;
    const link = new Link<Order, News>(socket, {
      onMessage: (news) => {
        if (rank !== undefined) this.#listener.onNews(rank, news);
        else if (news.kind === "hello" && news.secret === this.address.secret) {
          rank = news.rank;
          this.#links.set(rank, link);
          if (this.#links.size === this.#numExpected) this.#connected();
        } else socket.destroy();
      },
      onClose: () => {
        if (rank !== undefined) this.#listener.onLost(rank);
      },
    });
  }
}

/** The addresses under which other hosts may reach this one. */
function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4")
      .map(({ address }) => address),
  );
}
