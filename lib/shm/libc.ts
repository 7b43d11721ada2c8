/**
 * The few functions of the C library that the runtime does not offer: mapping a file, and `flock` before Deno 2.9. Linux only.
 *
 * @module
 */
import { ShmError } from "./errors.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  // Not fstat: glibc before 2.33 does not export it, and its struct differs from machine to machine.
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
} as const;

/** The functions, as `Deno.dlopen` gives them. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let loaded: Libc | undefined;

/** Can the C library be called without asking anybody? */
export function mayCallLibc(): boolean {
  return Deno.build.os === "linux" &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/**
 * The C library of this process; loaded once, it stays.
 *
 * @throws ShmError `unsupported` without Linux or without permission for FFI
 */
export function libc(): Libc {
  if (loaded !== undefined) return loaded;
  if (!mayCallLibc()) {
    throw new ShmError("unsupported", "Cannot call the C library: it takes Linux and --allow-ffi");
  }
  try {
    loaded = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch (cause) {
    throw new ShmError("unsupported", "Cannot call the C library: there is no libc.so.6", {
      cause,
    });
  }
  return loaded;
}

/** A path as the C library takes it. */
export function cString(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}

/** Flags of Linux, the same on x64 and arm64 but for these two. */
const IS_ARM = Deno.build.arch === "aarch64";

/** Flags of `open(2)`. */
export const OPEN = {
  readOnly: 0,
  readWrite: 2,
  nonBlocking: 0o4000,
  noFollow: IS_ARM ? 0o100000 : 0o400000,
  closeOnExec: 0o2000000,
} as const;

/** What `statx(2)` tells of a file, as far as needed. */
export interface FileIdentity {
  readonly mode: number;
  readonly device: number;
  readonly inode: bigint;
  readonly bytes: number;
  /** Time of the last change, in ns. */
  readonly changedNs: bigint;
}

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_NEEDED = 0x1 | 0x40 | 0x100 | 0x200; // type, time of change, inode, size
const MODE_TYPE_MASK = 0o170000;
const MODE_REGULAR = 0o100000;
const STATX_BYTES = 256;
const EMPTY_PATH = cString("");

const SEEK_END = 2;

/** Size of an open file in bytes; -1 when the system does not tell. Takes 180 ns, `statx` 370. */
export function bytesOf(fd: number): number {
  return Number(libc().lseek(fd, 0n, SEEK_END));
}

/** Calls `statx(2)` again and again with one buffer. */
export class Statx {
  readonly #libc = libc();
  readonly #buffer = new Uint8Array(STATX_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);

  /** Identity of an open file. */
  ofDescriptor(fd: number): FileIdentity | undefined {
    const { statx } = this.#libc;
    const done = statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_NEEDED, this.#buffer) === 0;
    return done ? this.#identity() : undefined;
  }

  /** Identity of what stands at a path; links are not followed. */
  ofPath(path: Uint8Array<ArrayBuffer>): FileIdentity | undefined {
    const { statx } = this.#libc;
    const flags = AT_SYMLINK_NOFOLLOW;
    const done = statx(AT_FDCWD, path, flags, STATX_NEEDED, this.#buffer) === 0;
    return done ? this.#identity() : undefined;
  }

  #identity(): FileIdentity {
    const view = this.#view;
    return {
      mode: view.getUint16(28, true),
      device: view.getUint32(136, true) * 0x100000 + view.getUint32(140, true),
      inode: view.getBigUint64(32, true),
      bytes: Number(view.getBigUint64(40, true)),
      changedNs: view.getBigInt64(112, true) * 1_000_000_000n + BigInt(view.getUint32(120, true)),
    };
  }
}

/** Is it a regular file? */
export function isRegular({ mode }: FileIdentity): boolean {
  return (mode & MODE_TYPE_MASK) === MODE_REGULAR;
}
