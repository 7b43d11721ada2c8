/**
 * The seam between transports and everything else: what a transport dials and what it accepts.
 *
 * @module
 */
import type { GatewayError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import type { Message } from "./message.ts";

/** Whole messages, in arrival order: all that came with one read. */
export type Batch = readonly Message[];

/** Who is at the other end of a connection. */
export interface Peer {
  /** Name of the transport: `stdio`, `http`, `memory`, ... */
  readonly transport: string;
  /** Address for logs: `127.0.0.1:5123`, `pid 4711`, `stdin`. */
  readonly address: string;
  /** Who the client's certificate says it is; only where clients must have one. */
  readonly tls?: TlsIdentity;
  /** Who the client has proved to be; absent where nothing is asked. */
  readonly identity?: Identity;
}

/** What a client's certificate proves, once an authority of ours has been found behind it. */
export interface TlsIdentity {
  /** Common name of the subject; absent when there is none, or several. */
  readonly commonName?: string;
  /** Subject alternative names: `DNS:name`, `email:address`, `URI:uri`, `IP:address`. */
  readonly altNames: readonly string[];
  /** SHA-256 of the whole certificate, hexadecimal pairs with colons. */
  readonly fingerprint256: string;
  /** When the certificate expires, ms since 1970; absent where it does not say. */
  readonly expiresAtMs?: number;
}

/** Takes one batch. Nothing more is read until it has said whether to go on. */
export type BatchHandler = (batch: Batch) => boolean | Promise<boolean>;

/** Where batches go. */
export interface BatchSink {
  /** Bytes the peer has taken since the beginning, also within a write; 0 where nobody knows. */
  readonly bytesTaken: number;
  /** Resolves when nothing can be written any more; rejects when the connection broke. */
  readonly ended: Promise<void>;
  /**
   * Resolves when the peer has room for more. One call at a time.
   *
   * @throws {TransportError} when the connection has ended
   */
  write(batch: Batch): Promise<void>;
  /** Ends in order, after the last write. */
  close(): Promise<void>;
  /** Ends at once; a write under way is given up. */
  abort(): void | Promise<void>;
}

/**
 * Both directions of a connection without their streams, which cost 15 to 25 us a batch and 6 KB each
 * connection (Deno 2.9.6). Whoever takes this way leaves `readable` and `writable` alone.
 */
export interface DirectPath {
  readonly sink: BatchSink;
  /**
   * Hands on each batch until the peer has ended its side or the handler wants no more.
   *
   * @throws {TransportError} when the connection broke
   */
  receive(onBatch: BatchHandler): Promise<void>;
}

/** A duplex stream of message batches. Whoever opened it disposes it. */
export interface Connection extends AsyncDisposable {
  readonly kind: "connection";
  readonly readable: ReadableStream<Batch>;
  /** `desiredSize` counts bytes. */
  readonly writable: WritableStream<Batch>;
  /** A shorter way than the streams, where there is one. */
  readonly direct?: DirectPath;
  readonly peer: Peer;
  /** Resolves when the connection has ended in order, rejects with a `TransportError` when it broke. */
  readonly closed: Promise<void>;
  /** Ends the connection at once. What was not written is lost. */
  abort(reason: GatewayError): void;
}

/** What the transport knew about one HTTP request. */
export interface RequestInfo {
  readonly transport: string;
  /** Remote address with port. */
  readonly address: string;
  /** Who the client's certificate says it is; only where clients must have one. */
  readonly tls?: TlsIdentity;
  /** Who its client has proved to be; absent where nothing is asked. */
  readonly identity?: Identity;
  /** Header by lower-case name; `undefined` when absent. */
  header(name: string): string | undefined;
  /** Headers whose lower-case names begin so; `undefined` when there are none. */
  headersFrom?(prefix: string): Readonly<Record<string, string>> | undefined;
  /** Sets a header of the answer, as long as that has not begun; absent where answers have none. */
  setHeader?(name: string, value: string): void;
}

/**
 * One HTTP request in the gateway's terms: a connection that lasts for one question. It is not a
 * {@link Connection} because a pair of Web Streams costs 11 us to make, two thirds of what
 * `node:http` needs for the whole request (measured, Deno 2.9.6).
 *
 * The gateway calls, in this order: `read` (POST only), then either `accept`, `refuse`, or any number
 * of `send` and one `finish`.
 */
export interface Exchange {
  readonly kind: "exchange";
  readonly method: "POST" | "GET" | "DELETE";
  readonly request: RequestInfo;
  /** Whether nothing can be sent any more: the client has gone, or the answer is complete. */
  readonly gone: boolean;
  /** Whether the client takes an event stream; without one, `send` has nowhere to go. */
  readonly streams: boolean;
  /** Resolves when the client has gone or the answer is complete. Never rejects. */
  readonly closed: Promise<void>;
  /**
   * The messages of the body. Content that is not JSON-RPC arrives as a message of kind `invalid`.
   *
   * @throws {GatewayError} wrong media type, encoding or size
   */
  read(): Promise<Batch>;
  /** Sets a header of the answer; only before the first `accept`, `refuse`, `send` or `finish`. */
  setHeader(name: string, value: string): void;
  /** Answers with a status and no body: 202 for what needs no answer. */
  accept(status: number): void;
  /** Answers with the error's status, headers and JSON-RPC form. */
  refuse(error: GatewayError, id?: Uint8Array): void;
  /**
   * Streams messages to the client; the first use opens the event stream before it returns, even with an empty
   * batch. Resolves when the client has room for more.
   *
   * @param eventIds one for each message, visible ASCII
   * @throws {TransportError} when the exchange is gone; then nothing of the batch was written
   */
  send(batch: Batch, eventIds?: readonly string[]): Promise<void>;
  /**
   * Streams an event without a message (opens the event stream on first use): what the client can resume
   * after, and how long it is to wait before it does. Only for clients of 2025-11-25 and later.
   */
  prime(eventId: string, retryMs: number): void;
  /** Called about every second while the answer lets wait for itself, ms so far: sends signs of life in time. */
  waitOn?(waitedMs: number): void;
  /** Completes the answer: with one JSON document when nothing was streamed, else as the last event. */
  finish(message?: Message, end?: ExchangeEnd): void;
}

/** How an exchange ends. */
export interface ExchangeEnd {
  /** HTTP status of the answer when nothing was streamed; with one it is a JSON document in any case. Else 200. */
  readonly status?: number;
  /** Id of the last event when something was streamed. */
  readonly eventId?: string;
  /** The stream goes on elsewhere: the client is to wait so long before it resumes, ms. */
  readonly retryMs?: number;
}

/** Anything a listener accepts. */
export type Arrival = Connection | Exchange;

/** An address that can be dialled or listened on, as the user wrote it and as parsed. */
export interface Endpoint {
  /** The URL as given; command endpoints have the URL `stdio:`. */
  readonly url: URL;
  /** Program and arguments of a child process. */
  readonly command?: Command;
  /** Extra HTTP headers towards an upstream. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Proves to an upstream over HTTP who asks; absent where the headers are all. */
  readonly authorizer?: Authorizer;
}

/** Headers with lower-case names that prove who asks. */
export type ProofHeaders = Readonly<Record<string, string>>;

/** An answer that refused a request for what it proved, 401 or 403. Such a request was not acted upon. */
export interface AuthorizationRefusal {
  readonly status: number;
  /** `WWW-Authenticate` of the answer. */
  readonly challenge?: string;
  /** What the request carried. */
  readonly proof: ProofHeaders;
  /** How often the same request has been refused, this time included. */
  readonly attempt: number;
}

/** Gives the requests towards one server what they prove who asks with. */
export interface Authorizer {
  /** For a request that is about to leave; at once where it can. Never waits for a person, never rejects. */
  proof(): ProofHeaders | Promise<ProofHeaders>;
  /**
   * For a request that was refused and is to be sent again. May wait for a person to log in.
   *
   * @throws {GatewayError} UpstreamUnavailable, outcome `not_sent`, when there is nothing better to be had
   */
  renewed(refusal: AuthorizationRefusal): Promise<ProofHeaders>;
}

/** A child process to start. Never passes through a shell. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the inherited environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A bound listener: iterate it for arrivals, dispose it to stop accepting. */
export interface Listener extends AsyncIterable<Arrival>, AsyncDisposable {
  /** Where it really listens (port 0 resolved). */
  readonly url: URL;
  /** Resolves, after it was disposed, when all that it accepted has left with its answers; absent where arrivals tell. */
  readonly closed?: Promise<void>;
}

/** A way to carry messages. */
export interface Transport {
  readonly name: string;
  /** @throws {TransportError} when the endpoint cannot be reached before the signal aborts */
  dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection>;
  /** @throws {TransportError} when the address cannot be bound */
  listen(endpoint: Endpoint, signal: AbortSignal): Promise<Listener>;
}

/** A framing: synchronous, so that any split of the bytes can be tested. `framed()` lifts it to streams. */
export interface Codec {
  readonly name: string;
  decoder(): Decoder;
  /** The bytes of a batch, ready for one write. */
  encode(batch: Batch): Uint8Array;
  /** The same into bytes that are lent to it: exactly as many as it asks for, and it returns no others. */
  encodeInto?(batch: Batch, lend: (byteLength: number) => Uint8Array): Uint8Array;
}

/** The receiving half of a {@link Codec}. Holds what is incomplete; never more than the message limit. */
export interface Decoder {
  /** Messages completed by this chunk. The chunk belongs to the decoder from now on: it may keep views. */
  push(chunk: Uint8Array): Batch;
  /** Messages completed by the end of the stream. */
  end(): Batch;
}
