/**
 * Where the other workers of the same gateway reach this one: a unix socket in a folder that only the user of
 * the process may enter, answering to those alone who know the secret of this run.
 *
 * @module
 */
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import net, { type Socket } from "node:net";
import { rm } from "node:fs/promises";
import process from "node:process";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { atMost } from "../../lib/core/waiting.ts";
import type { ConnectionLimits } from "../guard/connection_limits.ts";
import { SelfProbe } from "../guard/self_probe.ts";
import { setOrigin } from "./origin.ts";
import { PASSPORT_HEADER, type Passports } from "./passport.ts";

/** Answers a request. */
export type Answer = (req: IncomingMessage, res: ServerResponse) => void;

/** What a private server is made of. */
export interface PrivateServerParts {
  /** Of the socket file. */
  readonly path: string;
  readonly passports: Passports;
  /** Shared with the listeners: relayed connections need descriptors, too. */
  readonly connections?: ConnectionLimits;
  /** Answers questions that are for the worker itself. */
  readonly answer: Answer;
}

const BACKLOG = 1024;
const PRIVATE_UMASK = 0o177;
/** Longer than the others keep an unused connection: a request never meets a socket that closes. */
const KEEP_ALIVE_MS = 60_000;
/** Heads were measured where they came in; the passport comes on top. */
const HEAD_BYTES_MAX = 256 * 1024;
/** When the worker ends, answers under way have so long, ms. */
const LAST_ANSWERS_MS = 1000;
const PROBE = { intervalMs: 5000, timeoutMs: 2000 };

/** One per worker. Disposing it lets answers under way end. */
export class PrivateServer implements AsyncDisposable {
  readonly #parts: PrivateServerParts;
  readonly #listeners = new Map<string, Answer>();
  readonly #sockets = new Set<Socket>();
  readonly #server: http.Server;
  readonly #probe: SelfProbe;
  #allClosed: (() => void) | undefined;

  private constructor(parts: PrivateServerParts, server: http.Server) {
    this.#parts = parts;
    this.#server = server;
    server.on("request", (req, res) => this.#onRequest(req, res));
    server.on("connection", (socket) => this.#onConnection(socket));
    server.on("error", () => {}); // while bound only accept can fail, which the probe sees
    this.#probe = new SelfProbe({
      address: { path: parts.path },
      relisten: () => this.#relisten(),
    }, PROBE);
  }

  /**
   * Binds the socket; the file of a worker that was killed is replaced.
   *
   * @throws {TransportError} when it cannot be bound
   */
  static async open(parts: PrivateServerParts): Promise<PrivateServer> {
    const server = http.createServer({
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: KEEP_ALIVE_MS,
      requestTimeout: 0, // bodies come as fast as the client's connection, which has its own limit
      maxHeaderSize: HEAD_BYTES_MAX,
    });
    server.maxHeadersCount = 0;
    await listen(server, parts.path);
    return new PrivateServer(parts, server);
  }

  /** Answers what the others relay that came in on a listener of this URL. @returns ends that */
  mount(listener: string, answer: Answer): () => void {
    this.#listeners.set(listener, answer);
    return () => {
      if (this.#listeners.get(listener) === answer) this.#listeners.delete(listener);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#probe.close();
    this.#server.close(); // removes the file
    this.#server.closeIdleConnections();
    if (this.#sockets.size > 0) {
      await atMost(LAST_ANSWERS_MS, new Promise<void>((resolve) => this.#allClosed = resolve));
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    this.#probe.accepted();
    const release = this.#parts.connections?.admit(undefined);
    if (this.#parts.connections !== undefined && release === undefined) {
      return void socket.destroy();
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      release?.();
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#allClosed?.();
    });
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    const passport = this.#parts.passports.read(String(req.headers[PASSPORT_HEADER] ?? ""));
    if (passport === undefined) return void req.socket.destroy(); // nobody whom we have to answer
    delete req.headers[PASSPORT_HEADER];
    if (this.#allClosed !== undefined) res.shouldKeepAlive = false;
    if (passport.listener === "") return this.#parts.answer(req, res);
    setOrigin(req, passport.origin);
    const answer = this.#listeners.get(passport.listener);
    if (answer === undefined) return void res.writeHead(404, { "content-length": "0" }).end();
    answer(req, res);
  }

  async #relisten(): Promise<void> {
    net.Server.prototype.close.call(this.#server); // that of http would stop the timeouts of what is running
    try {
      await listen(this.#server, this.#parts.path);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error; // else: the next probe finds it dead again
    }
  }
}

async function listen(server: http.Server, path: string): Promise<void> {
  await rm(path, { force: true }); // the folder is ours alone: what is there is of a worker that has gone
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).once("listening", resolve);
  const umask = process.umask(PRIVATE_UMASK);
  try {
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(umask);
  }
  try {
    await promise;
  } catch (cause) {
    throw new TransportError(`Cannot listen for workers: ${reasonOf(cause)}`, { cause });
  } finally {
    server.off("error", reject).off("listening", resolve);
  }
}
