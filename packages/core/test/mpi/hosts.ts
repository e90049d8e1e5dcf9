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

/** What a link may send at once, in bytes, before it is as slow as it was made. */
export const LINK_BURST_BYTES = 4_096;

/** Which hosts, and what is not the same on them. */
export interface HostOptions {
  readonly numbers?: readonly number[];
  /** A folder that the host `number` has for itself, empty. */
  readonly apart?: { readonly number: number; readonly folder: string };
}

/** Hosts `node-1` to `node-n`. */
export class Hosts {
  readonly #count: number;
  /** Not in use by real networks of this machine, one hopes; the bridge is made only if it does not exist. */
  readonly #network: string;
  readonly #bridge: string;
  /** How names of namespaces and links begin. */
  readonly #prefix: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "meshwright-hosts-"));

  private constructor(count: number, subnet: number) {
    this.#count = count;
    this.#network = `10.${subnet}.0`;
    this.#prefix = `mw${subnet}-`;
    this.#bridge = `${this.#prefix}br`;
  }

  /** Makes them in the network `10.subnet.0.0/24`, each test file in one of its own; `undefined` where this process may not. */
  static make(count: number, subnet: number): Hosts | undefined {
    const hosts = new Hosts(count, subnet);
    const bridge = hosts.#bridge;
    if (process.getuid?.() !== 0 || !ip(`link add ${bridge} type bridge`)) return undefined;
    const made =
      ip(`addr add ${hosts.#network}.254/24 dev ${bridge}`) &&
      ip(`link set ${bridge} up`) &&
      hosts.#numbers().every((number) => hosts.#add(number));
    if (made) return hosts;
    hosts.remove();
    return undefined;
  }

  /** A launcher with one process on each of the hosts. */
  launcher({ name, command }: Mpirun, { numbers = this.#numbers(), apart }: HostOptions = {}): Mpirun {
    const hosts = numbers.map((number) => `${this.#network}.${number}:1`).join(",");
    const options =
      name === "MPICH" ? [...this.#hydraOptions(apart), "-hosts"] : [...this.#options(apart), "--host"];
    return { name, command, options: [...options, hosts] };
  }

  /** A command that starts one process on each host that answers. */
  launcherOfLiving({ command }: Mpirun): string {
    return this.#script(
      "launcher",
      `hosts=""; count=0
for number in ${this.#numbers().join(" ")}; do
  # A host without this port refuses at once; one that cannot be reached says nothing.
  timeout 1 bash -c "</dev/tcp/${this.#network}.$number/9" 2>/dev/null
  if [ $? = 124 ]; then continue; fi
  hosts="$hosts\${hosts:+,}${this.#network}.$number:1"; count=$((count + 1))
done
exec ${command} ${this.#options().join(" ")} --host "$hosts" -np "$count" "$@"`,
    );
  }

  /** The beginning of a command that runs in the network of a host, with mounts of its own. */
  inside(number: number): readonly string[] {
    return ["ip", "netns", "exec", `${this.#prefix}${number}`];
  }

  address(number: number): string {
    return `${this.#network}.${number}`;
  }

  /** Cuts the link of a host. */
  cut(number: number): void {
    ip(`link set ${this.#prefix}v${number} down`);
  }

  /** Lets the link of a host send so many bytes per second, in each direction. `false` where the kernel cannot. */
  slow(number: number, bytesPerSecond: number): boolean {
    const limit = `root tbf rate ${bytesPerSecond}bps burst ${LINK_BURST_BYTES} latency 10s`;
    return (
      tc(`qdisc add dev ${this.#prefix}v${number} ${limit}`) &&
      ip(`netns exec ${this.#prefix}${number} tc qdisc add dev eth0 ${limit}`)
    );
  }

  remove(): void {
    for (const number of this.#numbers()) {
      // A namespace lives on until its connections have timed out; its link must not.
      ip(`link del ${this.#prefix}v${number}`);
      ip(`netns del ${this.#prefix}${number}`);
    }
    ip(`link del ${this.#bridge}`);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #numbers(): readonly number[] {
    return Array.from({ length: this.#count }, (_, index) => index + 1);
  }

  /** Settings of Open MPI, which reaches the hosts as it would by ssh. */
  #options(apart?: HostOptions["apart"]): readonly string[] {
    const agent = this.#script("agent", `number=\${1##*.}; shift\n${this.#enter(apart)}`);
    const settings = {
      plm_rsh_agent: agent,
      btl: "self,tcp",
      btl_tcp_if_include: `${this.#network}.0/24`,
      oob_tcp_if_include: `${this.#network}.0/24`,
      // A cut link ends the job instead of hanging it.
      oob_tcp_keepalive_time: "2",
      oob_tcp_keepalive_intvl: "1",
      oob_tcp_keepalive_probes: "2",
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ["--mca", key, value]);
    return [...options, "--bind-to", "none"];
  }

  /** Settings of MPICH, which calls its agent `agent -x host command...`. */
  #hydraOptions(apart: HostOptions["apart"]): readonly string[] {
    const agent = this.#script("hydra-agent", `number=\${2##*.}; shift 2\n${this.#enter(apart)}`);
    const environment = { UCX_TLS: "self,tcp", UCX_NET_DEVICES: "eth0" };
    return [
      ...["-launcher", "ssh", "-launcher-exec", agent, "-localhost", `${this.#network}.254`],
      ...Object.entries(environment).flatMap(([key, value]) => ["-genv", key, value]),
    ];
  }

  /** Runs the words `$*` on host `$number`. */
  #enter(apart: HostOptions["apart"]): string {
    const mount =
      apart && `if [ $number = ${apart.number} ]; then before="mount -t tmpfs none ${apart.folder};"; fi\n`;
    return `before=""
${mount ?? ""}exec ip netns exec ${this.#prefix}$number unshare --uts --mount bash -c "hostname node-$number; $before $*"`;
  }

  #script(name: string, lines: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, `#!/bin/bash\n${lines}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  #add(number: number): boolean {
    const [name, link] = [`${this.#prefix}${number}`, `${this.#prefix}v${number}`];
    const inside = `netns exec ${name} ip`;
    return (
      ip(`netns add ${name}`) &&
      ip(`link add ${link} type veth peer name eth0 netns ${name}`) &&
      ip(`link set ${link} master ${this.#bridge} up`) &&
      ip(`${inside} addr add ${this.#network}.${number}/24 dev eth0`) &&
      ip(`${inside} link set eth0 up`) &&
      ip(`${inside} link set lo up`)
    );
  }
}

function ip(args: string): boolean {
  return spawnSync("ip", args.split(" ")).status === 0;
}

function tc(args: string): boolean {
  return spawnSync("tc", args.split(" ")).status === 0;
}
