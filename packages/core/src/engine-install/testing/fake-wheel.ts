/**
 * A wheel with the names of TensorFlow's and a few bytes in each file.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Options of {@link writeFakeWheel}. */
export interface FakeWheelOptions {
  readonly project?: string;
  readonly version?: string;
  /** Files whose bytes are not those that RECORD states. */
  readonly changed?: readonly string[];
  /** Files to leave out. */
  readonly without?: readonly string[];
}

const FILES: Readonly<Record<string, string>> = {
  "tensorflow/libtensorflow_cc.so.2": "the library ".repeat(5000),
  "tensorflow/libtensorflow_framework.so.2": "the framework ".repeat(300),
  "tensorflow/include/tensorflow/c/c_api.h": "// C API",
  "tensorflow/include/xla/tsl/c/tsl_status.h": "// status",
  "tensorflow/python/large.so": "not needed",
};

/** Writes it to `folder` and returns its path. */
export function writeFakeWheel(folder: string, options: FakeWheelOptions = {}): string {
  const { project = "tensorflow_cpu", version = "2.21.0", changed = [], without = [] } = options;
  const files = Object.entries(FILES).filter(([name]) => !without.includes(name));
  const record = files.map(([name, text]) => {
    const stated = changed.includes(name) ? `${text}!` : text;
    return `${name},sha256=${createHash("sha256").update(stated).digest("base64url")},${stated.length}\n`;
  });
  const recordFile = `${project}-${version}.dist-info/RECORD`;
  const path = join(folder, `${project}-${version}-cp311-cp311-manylinux_2_27_x86_64.whl`);
  writeFileSync(path, zip([...files, [recordFile, `${record.join("")}${recordFile},,\n`]]));
  return path;
}

/**
 * A zip archive of stored files. Its CRCs are 0: the reader leaves them alone, as RECORD has stronger digests.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16
 */
function zip(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const nameBytes = Buffer.from(name);
    const data = Buffer.from(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    writeSizes(local, 18, data.length, nameBytes.length);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    central.writeUInt16LE(20, 6);
    writeSizes(central, 20, data.length, nameBytes.length);
    central.writeUInt32LE(offset, 42);
    locals.push(local, nameBytes, data);
    centrals.push(central, nameBytes);
    offset += local.length + nameBytes.length + data.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Packed size, unpacked size, length of the name. */
function writeSizes(header: Buffer, at: number, size: number, nameLength: number): void {
  header.writeUInt32LE(size, at);
  header.writeUInt32LE(size, at + 4);
  header.writeUInt16LE(nameLength, at + 8);
}
