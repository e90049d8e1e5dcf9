/**
 * Hosts that are reached by ssh: each has a name, an sshd, and the settings that `docs/launch/Dockerfile` makes. Nothing of this
 * machine's own settings is changed.
 *
 * @packageDocumentation
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Hosts } from "./hosts.ts";
import { HANG_MS, mpiEnvironment, type Finished } from "./mpirun.ts";

const SSHD = "/usr/sbin/sshd";
const SSH_PORT = 22;
const POLL_MS = 50;

/** A host's own name comes first; it may have others. */
type Names = readonly [string, ...(readonly string[])];

/** Hosts with an sshd, and one more, `head`, on which jobs are started. */
export class SshHosts {
  /** Made with the hosts, and removed with them: for what a job needs. */
  readonly folder = mkdtempSync(join(tmpdir(), "meshwright-ssh-"));
  readonly #hosts: Hosts;
  readonly #names: readonly Names[];
  readonly #servers: ChildProcess[] = [];

  private constructor(hosts: Hosts, names: readonly Names[]) {
    this.#hosts = hosts;
    this.#names = [...names, ["head"]];
  }

  /** Makes them in the network `10.subnet.0.0/24`; `undefined` where this process may not, or where there is no sshd. */
  static async make(names: readonly Names[], subnet: number): Promise<SshHosts | undefined> {
    if (!existsSync(SSHD)) return undefined;
    const hosts = Hosts.make(names.length + 1, subnet);
    if (hosts === undefined) return undefined;
    const made = new SshHosts(hosts, names);
    made.#writeSettings();
    for (const number of names.keys()) await made.#startServer(number);
    return made;
  }

  /** Runs a command on `head`. */
  async run(
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    cwd: string = this.folder,
  ): Promise<Finished> {
    const [program, ...args] = this.#on(this.#names.length - 1, command);
    const child = spawn(program!, args, {
      ...{ cwd, stdio: ["ignore", "pipe", "pipe"], timeout: HANG_MS - 10_000 },
      env: { ...mpiEnvironment(), ...environment },
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, ...text };
  }

  /** Writes a file into the folder, and returns its path. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  remove(): void {
    for (const server of this.#servers) server.kill();
    this.#hosts.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #writeSettings(): void {
    const key = join(this.folder, "id");
    // Of the same kind as the keys that the MPI Operator makes.
    spawnSync("ssh-keygen", ["-q", "-t", "ecdsa", "-b", "521", "-N", "", "-f", key]);
    const entries = this.#names.map((names, at) => `${this.#hosts.address(at + 1)} ${names.join(" ")}`);
    this.write("etc-hosts", ["127.0.0.1 localhost", ...entries, ""].join("\n"));
    // A copy, which hides the original on the hosts. The operator has the key where SSH looks for it by itself.
    cpSync("/etc/ssh", join(this.folder, "etc-ssh"), { recursive: true });
    this.write("etc-ssh/ssh_config.d/keys.conf", `Host *\n  IdentityFile ${key}\n`);
    this.write("etc-ssh/sshd_config.d/keys.conf", `HostKey ${key}\nAuthorizedKeysFile ${key}.pub\n`);
    const dockerfile = fileURLToPath(new URL("../../../../docs/launch/Dockerfile", import.meta.url));
    const [, step] = /\nRUN (mkdir -p \/run\/sshd[^]*?)\n\n/.exec(readFileSync(dockerfile, "utf8"))!;
    this.write("image-settings", step!);
  }

  async #startServer(number: number): Promise<void> {
    const [program, ...args] = this.#on(number, [SSHD, "-De"]);
    const server = spawn(program!, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#servers.push(server);
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    while (!(await answers(this.#hosts.address(number + 1), SSH_PORT))) {
      if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** A command on a host, which knows all names. */
  #on(number: number, command: readonly string[]): readonly string[] {
    const settings = `mount --bind ${this.folder}/etc-hosts /etc/hosts
mount --bind ${this.folder}/etc-ssh /etc/ssh
mount -t tmpfs tmpfs /run
sh ${this.folder}/image-settings
hostname ${this.#names[number]![0]}
exec "$@"`;
    const inside = [...this.#hosts.inside(number + 1), "unshare", "--uts"];
    return [...inside, "bash", "-c", settings, "bash", ...command];
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, host);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}
