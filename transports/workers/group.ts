/**
 * The workers of a gateway as one of them sees them: whose a request is, and the way to the others.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { monotonicMs } from "../../lib/core/clock.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { CALL_DEADLINE_HARD_MS } from "../../lib/core/limits.ts";
import { workerElsewhere } from "../../lib/core/worker_tag.ts";
import type { ConnectionLimits } from "../guard/connection_limits.ts";
import { tlsIdentityOf } from "../http/tls_identity.ts";
import { relayedFrom } from "./origin.ts";
import { PASSPORT_HEADER, Passports } from "./passport.ts";
import { type Answer, PrivateServer } from "./private_server.ts";
import { askOver } from "./question.ts";
import { Relay } from "./relay.ts";
import { RelayConnection } from "./relay_connection.ts";

/** Which worker this is, and what all of them share. */
export interface WorkerPlace {
  /** From 1 on. */
  readonly number: number;
  /** Workers in all. */
  readonly count: number;
  /** Folder of the sockets, which only the user of the process may enter. */
  readonly folder: string;
  readonly secret: string;
}

/** Hooks of a {@link WorkerGroup}. */
export interface WorkerGroupOptions {
  /** Shared with the listeners. */
  readonly connections?: ConnectionLimits;
  /** Answers what another worker asks this one. */
  readonly answer: Answer;
  /** A request is relayed. */
  readonly onRelayed?: () => void;
}

/** Connections to one worker that are kept for the next request. */
const IDLE_MAX = 64;
/** Those unused for so long are not used again: the other side closes them after twice as long, ms. */
const IDLE_MS = 30_000;
/** Longer than any call may take, and than any stream is silent, ms. */
const SILENCE_MS = CALL_DEADLINE_HARD_MS + 60_000;
/** Longest answer to a question, bytes. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const SESSION_HEADER = "mcp-session-id";
/** Of SSE: the query of a POST, and what a stream that is resumed says. */
const SESSION_QUERY = /[?&]sessionId=([^&]*)/;
const EVENT_HEADER = "last-event-id";
const STATE_KEY = '"requestState"';
const STATE = /^\s*:\s*"([^"]{1,8})/;
/** As much behind the key as {@link STATE} may need. */
const STATE_CHARS = 64;

/** See the module. */
export class WorkerGroup implements AsyncDisposable {
  readonly place: WorkerPlace;
  readonly #passports: Passports;
  readonly #server: PrivateServer;
  readonly #idle = new Map<number, RelayConnection[]>();
  readonly #open = new Set<RelayConnection>();
  readonly #onRelayed: () => void;
  /** Client connections that have had a request. */
  readonly #met = new WeakSet<object>();

  private constructor(
    place: WorkerPlace,
    passports: Passports,
    server: PrivateServer,
    onRelayed: () => void,
  ) {
    this.place = place;
    this.#passports = passports;
    this.#server = server;
    this.#onRelayed = onRelayed;
  }

  /**
   * Opens the door for the others.
   *
   * @throws {TransportError} when the socket cannot be bound
   */
  static async open(place: WorkerPlace, options: WorkerGroupOptions): Promise<WorkerGroup> {
    const { connections, answer, onRelayed = () => {} } = options;
    const passports = new Passports(place.secret);
    const path = pathOf(place, place.number);
    const server = await PrivateServer.open({ path, passports, connections, answer });
    return new WorkerGroup(place, passports, server, onRelayed);
  }

  /** Answers requests that others relay and that came in on a listener of this URL. @returns ends that */
  mount(listener: string, answer: Answer): () => void {
    return this.#server.mount(listener, answer);
  }

  /**
   * Relays a request whose head names a session of another worker.
   *
   * A client connection that begins with such a request is closed after the answer: the next one may reach
   * the worker that the client wants, and then costs nothing more (a relayed call takes twice the time).
   *
   * @returns whether it does
   */
  relayByHead(
    listener: string,
    req: IncomingMessage,
    res: ServerResponse,
    expectsContinue: boolean,
  ): boolean {
    const isFirst = !this.#met.has(req.socket);
    if (isFirst) this.#met.add(req.socket);
    const owner = this.#ownerOf(req);
    if (owner === undefined) return false;
    if (isFirst) res.shouldKeepAlive = false;
    if (expectsContinue) res.writeContinue();
    this.#relay(owner, listener, req, res);
    return true;
  }

  /**
   * Relays a request whose body carries a request state of another worker. A text that only looks like one
   * does no harm: every worker serves what belongs to no session.
   *
   * @returns whether it does
   */
  relayByBody(
    listener: string,
    req: IncomingMessage,
    res: ServerResponse,
    body: Uint8Array,
  ): boolean {
    const text = Buffer.from(body.buffer, body.byteOffset, body.length);
    const at = text.indexOf(STATE_KEY);
    if (at < 0 || relayedFrom(req) !== undefined) return false;
    const from = at + STATE_KEY.length;
    const state = STATE.exec(text.toString("latin1", from, from + STATE_CHARS))?.[1];
    const owner = state === undefined ? undefined : this.#known(state);
    if (owner === undefined) return false;
    this.#relay(owner, listener, req, res, body);
    return true;
  }

  /**
   * Asks every other worker; those that do not answer in time are left out.
   *
   * @param path of the question
   */
  async askOthers(path: string, timeoutMs: number): Promise<string[]> {
    const { number, count } = this.place;
    const others = Array.from({ length: count }, (_, i) => i + 1).filter((one) => one !== number);
    const answers = await Promise.allSettled(others.map((one) => this.#ask(one, path, timeoutMs)));
    return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  }

  /**
   * Asks another worker, over a connection that is kept.
   *
   * @param path of the question
   * @throws {TransportError} when it does not answer in time
   */
  askWorker(worker: number, path: string, body: string, timeoutMs: number): Promise<string> {
    const idle = this.#idleOf(worker);
    return askOver(this.#connectionTo(worker), {
      ...{ path, body, timeoutMs, bytesMax: ANSWER_BYTES_MAX },
      passport: this.#passports.write(""),
      onReusable: (connection) =>
        idle.length < IDLE_MAX ? idle.push(connection) : connection.destroy(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    for (const connection of this.#open) connection.destroy();
  }

  #ownerOf(req: IncomingMessage): number | undefined {
    if (relayedFrom(req) !== undefined) return undefined; // once is enough
    const { headers } = req;
    const named = headers[SESSION_HEADER] ?? SESSION_QUERY.exec(req.url!)?.[1] ??
      headers[EVENT_HEADER];
    return named === undefined ? undefined : this.#known(String(named));
  }

  #known(text: string): number | undefined {
    const worker = workerElsewhere(text);
    return worker !== undefined && worker <= this.place.count ? worker : undefined;
  }

  #relay(
    owner: number,
    listener: string,
    req: IncomingMessage,
    res: ServerResponse,
    body?: Uint8Array,
  ): void {
    this.#onRelayed();
    const { remoteAddress = "", remotePort = 0 } = req.socket;
    const tls = tlsIdentityOf(req);
    const origin = { address: remoteAddress, port: remotePort, ...(tls && { tls }) };
    const passport = this.#passports.write(listener, origin);
    const idle = this.#idleOf(owner);
    new Relay({ req, res, passport, body }, this.#connectionTo(owner), (connection) => {
      if (idle.length < IDLE_MAX) idle.push(connection);
      else connection.destroy();
    });
  }

  #idleOf(worker: number): RelayConnection[] {
    let idle = this.#idle.get(worker);
    if (idle === undefined) this.#idle.set(worker, idle = []);
    return idle;
  }

  /** The one used last, as long as it is fresh; else a new one. */
  #connectionTo(worker: number): RelayConnection {
    const idle = this.#idleOf(worker);
    const usedSinceMs = monotonicMs() - IDLE_MS;
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      if (kept.isOpen && kept.idleSinceMs > usedSinceMs) return kept;
      kept.destroy();
    }
    const made = new RelayConnection(pathOf(this.place, worker), SILENCE_MS, (connection) => {
      this.#open.delete(connection);
      const place = idle.indexOf(connection);
      if (place >= 0) idle.splice(place, 1);
    });
    this.#open.add(made);
    return made;
  }

  #ask(worker: number, path: string, timeoutMs: number): Promise<string> {
    const headers = { [PASSPORT_HEADER]: this.#passports.write("") };
    const options = { socketPath: pathOf(this.place, worker), path, headers, agent: false };
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown) => {
        clearTimeout(timer);
        request.destroy();
        reject(new TransportError(`Cannot ask worker ${worker}: ${reasonOf(reason)}`));
      };
      const request = http.get(options, (answer) => {
        const parts: Uint8Array[] = [];
        let byteLength = 0;
        answer.on("data", (part: Uint8Array) => {
          parts.push(part);
          if ((byteLength += part.length) > ANSWER_BYTES_MAX) fail("its answer is too long");
        });
        answer.on("error", fail);
        answer.on("end", () => {
          clearTimeout(timer);
          resolve(Buffer.concat(parts).toString());
        });
      });
      const timer = setTimeout(() => fail("it does not answer in time"), timeoutMs);
      request.on("error", fail);
    });
  }
}

function pathOf({ folder }: WorkerPlace, worker: number): string {
  return join(folder, `${worker}.sock`);
}
