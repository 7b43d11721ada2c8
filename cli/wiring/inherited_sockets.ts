/**
 * Sockets that whoever started the process has opened and listens on: systemd (`sluice.socket`), or a parent that replaces
 * one version by the next. Connections wait in them while nobody accepts, so a restart refuses none.
 *
 * Source: sd_listen_fds(3): descriptors from 3 on, `LISTEN_FDS` of them, for the process `LISTEN_PID`.
 *
 * @module
 */
import { ConfigError, reasonOf } from "../../lib/core/errors.ts";
import type { InheritedSocket } from "../../transports/guard/inherited_socket.ts";

const FIRST_DESCRIPTOR = 3;
/** Of fcntl(2) on Linux. */
const F_SETFD = 2, FD_CLOEXEC = 1, F_DUPFD_CLOEXEC = 1030;
/** Of socket(2) on Linux. */
const AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10;
/** Of a `sockaddr_un`, the largest. */
const ADDRESS_BYTES = 110;
const VARIABLES = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/** What was inherited, by address. */
export interface InheritedSockets {
  /** The socket that listens on the address of a URL; `undefined` when none was inherited for it. */
  at(url: URL): InheritedSocket | undefined;
  /** Addresses of sockets that nobody has asked for. */
  readonly unused: readonly string[];
  /** Leaves them to whoever else accepts; resolves when the clients that were taken have been heard. */
  leave(): Promise<void>;
}

/**
 * Takes what was inherited, once: programs that are started later get neither the sockets nor the variables.
 *
 * @throws {ConfigError} the descriptors that the environment tells of are no sockets, or cannot be used here
 */
export function takeInheritedSockets(): InheritedSockets {
  const { LISTEN_FDS, LISTEN_PID } = Deno.env.toObject();
  const count = Number(LISTEN_FDS ?? 0);
  if (LISTEN_PID !== String(Deno.pid) || !(count > 0)) return NONE;
  for (const name of VARIABLES) Deno.env.delete(name);
  const libc = loadLibc();
  const leaves = new Set<() => Promise<void>>();
  const sockets = new Map<string, InheritedSocket>();
  for (let fd = FIRST_DESCRIPTOR; fd < FIRST_DESCRIPTOR + count; fd++) {
    libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.set(addressOf(libc, fd), {
      duplicate: () => duplicate(libc, fd),
      onLeave: (leave) => void leaves.add(leave),
    });
  }
  return new ByAddress(sockets, leaves);
}

class ByAddress implements InheritedSockets {
  readonly #sockets: ReadonlyMap<string, InheritedSocket>;
  readonly #leaves: ReadonlySet<() => Promise<void>>;
  readonly #used = new Set<string>();

  constructor(
    sockets: ReadonlyMap<string, InheritedSocket>,
    leaves: ReadonlySet<() => Promise<void>>,
  ) {
    this.#sockets = sockets;
    this.#leaves = leaves;
  }

  get unused(): readonly string[] {
    return [...this.#sockets.keys()].filter((address) => !this.#used.has(address));
  }

  async leave(): Promise<void> {
    await Promise.all(Array.from(this.#leaves, (leave) => leave()));
  }

  at(url: URL): InheritedSocket | undefined {
    const address = addressesOf(url).find((one) => this.#sockets.has(one));
    if (address === undefined) return undefined;
    this.#used.add(address);
    return this.#sockets.get(address);
  }
}

const NONE: InheritedSockets = new ByAddress(new Map(), new Set());

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** As {@link addressOf} writes them. A name is not looked up, but for the one that everybody knows. */
function addressesOf({ protocol, hostname, port, pathname }: URL): string[] {
  if (protocol === "unix:") return [decodeURIComponent(pathname)];
  const hosts = hostname === "localhost" ? ["127.0.0.1", "[::1]"] : [hostname];
  return hosts.map((host) => `${host}:${port || DEFAULT_PORTS[protocol]}`);
}

type Libc = ReturnType<typeof loadLibc>;

function loadLibc() {
  try {
    return Deno.dlopen("libc.so.6", {
      fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
      getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    }).symbols;
  } catch (error) {
    const why = `this system cannot tell what they are: ${reasonOf(error)}`;
    throw new ConfigError(`Cannot use inherited sockets: ${why}`, "start it without LISTEN_FDS");
  }
}

function duplicate(libc: Libc, fd: number): number {
  const copy = libc.fcntl(fd, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
  if (copy < 0) throw new Error("no descriptor is left");
  return copy;
}

/** Where a socket listens: `127.0.0.1:80`, `[::1]:80` or a path. */
function addressOf(libc: Libc, fd: number): string {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const length = new Uint32Array([ADDRESS_BYTES]);
  if (libc.getsockname(fd, bytes, length) !== 0) {
    const why = `descriptor ${fd} is no socket`;
    throw new ConfigError(`Cannot use inherited sockets: ${why}`, "look at LISTEN_FDS");
  }
  const view = new DataView(bytes.buffer);
  const family = view.getUint16(0, true);
  if (family === AF_UNIX) return pathIn(bytes.subarray(2, length[0]));
  const port = view.getUint16(2);
  if (family === AF_INET) return `${bytes.subarray(4, 8).join(".")}:${port}`;
  if (family === AF_INET6) return `${ipv6In(new DataView(bytes.buffer, 8, 16))}:${port}`;
  throw new ConfigError(
    `Cannot use inherited sockets: descriptor ${fd} is of family ${family}`,
    "use TCP or unix sockets",
  );
}

function pathIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** As URLs write it: the shortest form. */
function ipv6In(address: DataView): string {
  const groups = Array.from({ length: 8 }, (_, i) => address.getUint16(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname;
}
