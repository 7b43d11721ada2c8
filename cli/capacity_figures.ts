/**
 * What `sluice capacity` multiplies: measured with `sluice bench`, on purpose on a machine whose two cores other work
 * shared. Quiet machines do better; docs/capacity.md has the commands and the figures they gave.
 *
 * @module
 */

/** Ways of clients, the usual one first. */
export const TRANSPORTS = ["http", "ws", "tcp", "sse"] as const;

/** One of them. */
export type Transport = typeof TRANSPORTS[number];

/** What one client costs. */
interface ClientCost {
  /** CPU of a call with small messages, us: 64 clients, one call at a time each, `builtin:echo`. */
  readonly microseconds: number;
  /** Memory, KiB: 2000 clients after the handshake and one call, {@link SERVED_KIB} not included. */
  readonly kib: number;
  /** Connections: Streamable HTTP has one for its stream and one for its calls. */
  readonly descriptors: number;
}

/** By how they come. */
export const CONNECTION: Readonly<Record<Transport, ClientCost>> = {
  http: { microseconds: 31, kib: 49, descriptors: 2 },
  ws: { microseconds: 16, kib: 41, descriptors: 1 },
  tcp: { microseconds: 12, kib: 27, descriptors: 1 },
  sse: { microseconds: 70, kib: 70, descriptors: 3 },
};

/** What it costs to have a server behind the gateway instead of nothing. */
interface ServerCost {
  /** CPU of a call on top of {@link ClientCost}, us. */
  readonly microseconds: number;
  /** CPU of each KiB of its messages, us. */
  readonly kibMicroseconds: number;
  /** Memory of each client on top of {@link ClientCost}, KiB. */
  readonly kib: number;
}

const PROGRAM: ServerCost = { microseconds: 28, kibMicroseconds: 12, kib: 34 };

/** By what is behind: nothing, a URL, one program, a pool of them, one for each session. */
export const SERVERS = {
  builtin: { microseconds: 0, kibMicroseconds: 2.5, kib: 0 },
  url: { microseconds: 134, kibMicroseconds: 12, kib: 34 },
  shared: PROGRAM,
  pool: PROGRAM,
  session: PROGRAM,
} as const satisfies Readonly<Record<string, ServerCost>>;

/** One of them. */
export type Servers = keyof typeof SERVERS;

/** Memory of a worker without clients but with its garbage, MiB: 106 at rest, 115 to 240 under load. */
export const BASE_MIB = 250;
/** Bytes of a message that are not the message, without TLS: heads of HTTP, frames. */
export const WIRE_BYTES: Readonly<Record<Transport, number>> = {
  http: 350,
  ws: 8,
  tcp: 1,
  sse: 400,
};
/** Share of a core that a worker should not pass: beyond it calls wait for each other. */
export const CPU_SHARE_MAX = 0.7;
/** Share of a machine's memory that is given away. */
export const MEMORY_SHARE_MAX = 0.85;
/** Share of the descriptors that the gateway gives to clients (`limits.connections`). */
export const DESCRIPTORS_SHARE = 0.45;

/** Pipes of a process that the gateway has started. */
export const DESCRIPTORS_OF_PROCESS = 3;

/** Where the figures come from, for whoever reads the result. */
export const SOURCES: readonly string[] = [
  "CPU and memory are those of `sluice bench` on two shared cores, docs/capacity.md: a quiet machine needs less.",
  "Clients call one tool after the other; TLS, compression, validation and authentication come on top.",
  "Traces, logs, the cache and shared memory are not counted.",
];
