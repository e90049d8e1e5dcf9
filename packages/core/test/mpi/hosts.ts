/**
 * Hosts as network namespaces joined by a bridge, each with a name of its own. Needs root and `ip`.
 *
 * @packageDocumentation
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mpirun } from "./mpirun.ts";

/** Not in use by real networks of this machine, one hopes; the bridge is made only if it does not exist. */
const NETWORK = "10.97.0";
const BRIDGE = "mwbr0";

/** Hosts `node-1` to `node-n`. */
export class Hosts {
  readonly #count: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "meshwright-hosts-"));

  private constructor(count: number) {
    this.#count = count;
  }

  /** Makes them; `undefined` where this process may not. */
  static make(count: number): Hosts | undefined {
    if (process.getuid?.() !== 0 || !ip(`link add ${BRIDGE} type bridge`)) return undefined;
    const hosts = new Hosts(count);
    const made =
      ip(`addr add ${NETWORK}.254/24 dev ${BRIDGE}`) &&
      ip(`link set ${BRIDGE} up`) &&
      hosts.#numbers().every((number) => hosts.#add(number));
    if (made) return hosts;
    hosts.remove();
    return undefined;
  }

  /** Open MPI's launcher with one process on each host. */
  launcher({ name, command }: Mpirun): Mpirun {
    const agent = join(this.#folder, "agent");
    writeFileSync(
      agent,
      `#!/bin/bash\nnumber=\${1##*.}; shift\nexec ip netns exec mw$number unshare --uts bash -c "hostname node-$number; $*"\n`,
    );
    chmodSync(agent, 0o755);
    const settings = {
      plm_rsh_agent: agent,
      btl: "self,tcp",
      btl_tcp_if_include: `${NETWORK}.0/24`,
      oob_tcp_if_include: `${NETWORK}.0/24`,
      // A cut link ends the job instead of hanging it.
      oob_tcp_keepalive_time: "2",
      oob_tcp_keepalive_intvl: "1",
      oob_tcp_keepalive_probes: "2",
    };
    const hosts = this.#numbers().map((number) => `${NETWORK}.${number}:1`);
    const options = Object.entries(settings).flatMap(([key, value]) => ["--mca", key, value]);
    return { name, command, options: [...options, "--bind-to", "none", "--host", hosts.join(",")] };
  }

  /** Cuts the link of a host. */
  cut(number: number): void {
    ip(`link set mwv${number} down`);
  }

  remove(): void {
    for (const number of this.#numbers()) ip(`netns del mw${number}`);
    ip(`link del ${BRIDGE}`);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #numbers(): readonly number[] {
    return Array.from({ length: this.#count }, (_, index) => index + 1);
  }

  #add(number: number): boolean {
    const inside = `netns exec mw${number} ip`;
    return (
      ip(`netns add mw${number}`) &&
      ip(`link add mwv${number} type veth peer name eth0 netns mw${number}`) &&
      ip(`link set mwv${number} master ${BRIDGE} up`) &&
      ip(`${inside} addr add ${NETWORK}.${number}/24 dev eth0`) &&
      ip(`${inside} link set eth0 up`) &&
      ip(`${inside} link set lo up`)
    );
  }
}

function ip(args: string): boolean {
  return spawnSync("ip", args.split(" ")).status === 0;
}
