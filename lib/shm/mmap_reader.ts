/**
 * Reads an export through a mapping of the file: no copy of the whole, and a replaced snapshot is noticed at the next lookup.
 *
 * If somebody truncates a mapped file, reading beyond its end ends the process (SIGBUS). Sluice's writer never truncates; against
 * others every lookup asks the size first, which leaves a window of some hundred nanoseconds. A process that must survive even
 * that reads with `openPreadReader()`.
 *
 * @module
 */
import { ShmError } from "./errors.ts";
import { statPath } from "./files.ts";
import {
  type ExportReader,
  FollowingReader,
  type HeldSnapshot,
  type ReaderOptions,
} from "./following_reader.ts";
import { OFFSET } from "./layout.ts";
import { bytesOf, cString, type FileIdentity, isRegular, libc, OPEN, Statx } from "./libc.ts";
import { SnapshotView } from "./reader_view.ts";
import { quickFault } from "./verify.ts";

const PROT_READ = 1;
const MAP_SHARED = 1;
/** `MAP_FAILED`: all bits set. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/**
 * Opens a reader that maps each snapshot.
 *
 * @throws ShmError `unsupported` without Linux or without permission for FFI
 */
export function openMmapReader(path: string, options?: ReaderOptions): ExportReader {
  libc();
  return new FollowingReader(path, hold, options);
}

function hold(path: string, bytesMax: number): HeldSnapshot {
  const { open, close } = libc();
  const pathBytes = cString(path);
  const flags = OPEN.readOnly | OPEN.noFollow | OPEN.nonBlocking | OPEN.closeOnExec;
  const fd = open(pathBytes, flags, 0);
  if (fd < 0) {
    const isMissing = statPath(path) === undefined;
    const why = isMissing ? "there is no such file" : "the system refuses to open it";
    throw new ShmError(isMissing ? "missing" : "refused", `Cannot read ${path}: ${why}`);
  }
  try {
    const statx = new Statx();
    const identity = identify(path, statx.ofDescriptor(fd), bytesMax);
    const mapping = mapFile(path, fd, identity.bytes);
    try {
      const fault = quickFault(mapping.bytes);
      if (fault !== undefined) {
        throw new ShmError("invalid", `Cannot read ${path}: at ${fault.offset}: ${fault.why}`);
      }
      return new Mapped(pathBytes, fd, identity, mapping, statx);
    } catch (thrown) {
      unmap(mapping);
      throw thrown;
    }
  } catch (thrown) {
    close(fd);
    throw thrown;
  }
}

function identify(path: string, found: FileIdentity | undefined, bytesMax: number): FileIdentity {
  if (found === undefined || !isRegular(found)) {
    throw new ShmError("refused", `Cannot read ${path}: it is no regular file`);
  }
  const { bytes } = found;
  if (bytes >= OFFSET.data && bytes <= bytesMax) return found;
  const why = `it has ${bytes} bytes, allowed are ${OFFSET.data} to ${bytesMax}`;
  throw new ShmError("invalid", `Cannot read ${path}: ${why}`);
}

interface Mapping {
  readonly pointer: Deno.PointerObject;
  readonly bytes: Uint8Array;
}

function mapFile(path: string, fd: number, byteLength: number): Mapping {
  const pointer = libc().mmap(null, BigInt(byteLength), PROT_READ, MAP_SHARED, fd, 0n);
  if (pointer === null || BigInt(Deno.UnsafePointer.value(pointer)) === MAP_FAILED) {
    throw new ShmError("refused", `Cannot map ${path}: the system refuses`);
  }
  const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength));
  return { pointer, bytes };
}

function unmap({ pointer, bytes }: Mapping): void {
  libc().munmap(pointer, BigInt(bytes.length));
}

class Mapped implements HeldSnapshot {
  readonly view: SnapshotView;
  readonly #path: Uint8Array<ArrayBuffer>;
  readonly #fd: number;
  readonly #identity: FileIdentity;
  readonly #mapping: Mapping;
  readonly #statx: Statx;

  constructor(
    path: Uint8Array<ArrayBuffer>,
    fd: number,
    identity: FileIdentity,
    mapping: Mapping,
    statx: Statx,
  ) {
    this.#path = path;
    this.#fd = fd;
    this.#identity = identity;
    this.#mapping = mapping;
    this.#statx = statx;
    this.view = new SnapshotView(mapping.bytes);
  }

  usable(): boolean {
    return bytesOf(this.#fd) >= this.#identity.bytes && !this.view.superseded;
  }

  stands(): boolean {
    const found = this.#statx.ofPath(this.#path);
    const own = this.#identity;
    return found !== undefined && found.inode === own.inode && found.device === own.device &&
      found.bytes === own.bytes && found.changedNs === own.changedNs;
  }

  [Symbol.dispose](): void {
    unmap(this.#mapping);
    libc().close(this.#fd);
  }
}
