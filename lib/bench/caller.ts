/**
 * One connection of a generator: asks, counts what comes back, and tells whom it belongs to.
 *
 * @module
 */
import { failure, notification, request, result } from "../core/compose.ts";
import type { Batch, Connection } from "../core/connection.ts";
import { receiveAll } from "../core/direct_path.ts";
import { LATEST_LEGACY_VERSION, LATEST_MODERN_VERSION } from "../core/eras.ts";
import { GatewayError, reasonOf, TransportError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import { idNumber } from "../core/message_id.ts";
import { Outbox } from "../core/outbox.ts";
import { OpenCalls } from "./open_calls.ts";
import { pause } from "./pause.ts";
import type { Dial, Plan } from "./plan.ts";
import { CONNECTIONS_MAX, FIRST_CALL, PROTOCOL_META, type Question } from "./question.ts";
import type { Tally } from "./tally.ts";

/** What all connections of a generator share. */
export interface Work {
  readonly plan: Plan;
  readonly dial: Dial;
  readonly questions: readonly Question[];
  readonly tally: Tally;
}

/** The same question may be late any number of times, but not all of them have to be remembered. */
const EXPIRED_MAX = 100_000;
const CLOSED_BY_US = new GatewayError("UpstreamUnavailable", "Cannot go on: the bench is over");

/** A connection that has shaken hands. Dispose it to close it. */
export class Caller implements AsyncDisposable {
  /** Number of the connection within the run. */
  readonly number: number;
  /** Called when a call is over, whatever its outcome. */
  onFree: (nowMs: number) => void = () => {};
  /** Called with each notification of the server. */
  onNotification: (message: Message, nowMs: number) => void = () => {};
  /** Resolves when the connection has ended; the calls that were open are counted as errors by then. */
  readonly ended: Promise<void>;
  /** After each batch so long nothing is read, ms. */
  readPauseMs = 0;
  readonly #work: Work;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #open = new OpenCalls();
  readonly #asked = new Map<string, PromiseWithResolvers<Message>>();
  readonly #closing = new AbortController();
  #expired: Set<number> | undefined;
  #nextCall = FIRST_CALL;
  #nextQuestion = 0;
  #isAlive = true;

  private constructor(work: Work, connection: Connection, number: number) {
    this.#work = work;
    this.#connection = connection;
    this.number = number % CONNECTIONS_MAX;
    this.#outbox = new Outbox(connection);
    this.ended = this.#run();
  }

  /**
   * Dials and shakes hands: `initialize`, or `server/discover` where there is no handshake.
   *
   * @throws {TransportError} when that fails or the signal aborts
   */
  static async open(work: Work, number: number, signal: AbortSignal): Promise<Caller> {
    const connection = await work.dial(signal);
    const caller = new Caller(work, connection, number);
    const abandon = () => connection.abort(CLOSED_BY_US);
    signal.addEventListener("abort", abandon);
    try {
      if (signal.aborted) abandon();
      await caller.#shakeHands(work.plan);
      return caller;
    } catch (error) {
      await caller[Symbol.asyncDispose]();
      throw error;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  /** Whether the connection still stands. */
  get isAlive(): boolean {
    return this.#isAlive && !this.#outbox.failed;
  }

  /** Calls without an answer. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Who is at the other end. */
  get peer(): Connection["peer"] {
    return this.#connection.peer;
  }

  /** Sends the next call; its latency counts from the given time. */
  ask(intendedMs: number): void {
    const { questions, tally } = this.#work;
    const call = this.#nextCall++;
    const message = questions[call % questions.length].message(this.number, call);
    if (!this.#open.add(call, intendedMs)) return tally.error("not sent");
    tally.bytesSent += message.bytes.length;
    this.#outbox.push(message);
  }

  /** Asks something outside the load. @throws {TransportError} on an error answer, or when the connection ends */
  async question(method: string, params?: Record<string, unknown>): Promise<Message> {
    const id = `q${this.#nextQuestion++}`;
    const waiting = Promise.withResolvers<Message>();
    if (!this.isAlive) throw lost();
    this.#asked.set(id, waiting);
    this.#outbox.push(request(id, method, params));
    const answer = await waiting.promise;
    if (!answer.isError) return answer;
    throw new TransportError(`Cannot ask ${method}: ${answer.json().error?.message}`);
  }

  /** Gives up calls of before a time: they are lost. */
  expire(beforeMs: number, nowMs: number): void {
    for (const call of this.#open.takeBefore(beforeMs)) {
      this.#work.tally.lost++;
      this.#work.tally.error("no answer");
      this.#expired ??= new Set();
      if (this.#expired.size < EXPIRED_MAX) this.#expired.add(call);
      this.onFree(nowMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isAlive = false;
    this.#closing.abort();
    const closing = this.#outbox.close();
    await this.#connection[Symbol.asyncDispose]();
    await closing;
    await this.ended;
  }

  async #shakeHands({ era }: Plan): Promise<void> {
    if (era === "modern") {
      const answer = await this.question("server/discover", { _meta: PROTOCOL_META });
      const versions = answer.json().result?.supportedVersions;
      if (Array.isArray(versions) && versions.includes(LATEST_MODERN_VERSION)) return;
      throw new TransportError(
        `Cannot connect: the server does not speak ${LATEST_MODERN_VERSION}`,
      );
    }
    await this.question("initialize", {
      protocolVersion: LATEST_LEGACY_VERSION,
      capabilities: {},
      clientInfo: { name: "sluice-bench", version: "1" },
    });
    this.#outbox.push(notification("notifications/initialized"));
  }

  async #run(): Promise<void> {
    let reason: unknown;
    try {
      await receiveAll(this.#connection, (batch) => this.#take(batch));
    } catch (error) {
      reason = error;
    }
    const wasOurs = !this.#isAlive;
    this.#isAlive = false;
    const open = this.#open.takeBefore(Infinity);
    if (!wasOurs) this.#work.tally.error("connection lost", open.length);
    for (const _ of open) this.onFree(performance.now());
    const error = reason instanceof TransportError ? reason : lost(reason);
    for (const { reject } of this.#asked.values()) reject(error);
  }

  #take(batch: Batch): boolean | Promise<boolean> {
    const { tally } = this.#work;
    const nowMs = performance.now();
    tally.batches++;
    tally.messagesReceived += batch.length;
    for (const message of batch) {
      tally.bytesReceived += message.bytes.length;
      this.#takeOne(message, nowMs);
    }
    if (this.readPauseMs === 0) return true;
    return pause(this.readPauseMs, this.#closing.signal).then(() => true);
  }

  #takeOne(message: Message, nowMs: number): void {
    const { tally } = this.#work;
    switch (message.kind) {
      case "response":
        return this.#takeAnswer(message, nowMs);
      case "notification":
        tally.notifications++;
        return this.onNotification(message, nowMs);
      case "request":
        return this.#outbox.push(answerOf(message));
      case "invalid":
        return tally.error("broken message");
    }
  }

  #takeAnswer(message: Message, nowMs: number): void {
    const { tally, questions } = this.#work;
    const { id } = message;
    if (id === undefined) return tally.error("answer to nobody");
    const call = idNumber(id, 0, id.length);
    if (call < 0) return this.#takeOwnAnswer(message, id);
    const intendedMs = this.#open.take(call);
    if (intendedMs < 0) return this.#takeStray(call);
    if (message.isError) tally.error(`error ${message.json().error?.code}`);
    else if (message.isToolError) tally.error("tool error");
    else if (
      questions[call % questions.length].match(message.bytes, this.number, call) === "other"
    ) tally.crossed++;
    else if (this.readPauseMs > 0) tally.slowAnswered++;
    else tally.answer(intendedMs, nowMs);
    this.onFree(nowMs);
  }

  #takeStray(call: number): void {
    const { tally } = this.#work;
    if (this.#expired?.delete(call)) tally.late++;
    else if (call >= FIRST_CALL && call < this.#nextCall) tally.repeated++;
    else tally.crossed++;
  }

  #takeOwnAnswer(message: Message, id: Uint8Array): void {
    const name = decoder.decode(id.subarray(1, -1));
    const waiting = this.#asked.get(name);
    this.#asked.delete(name);
    if (waiting === undefined) this.#work.tally.crossed++;
    else waiting.resolve(message);
  }
}

const decoder = new TextDecoder();

function lost(reason?: unknown): TransportError {
  const why = reason === undefined ? "" : `: ${reasonOf(reason)}`;
  return new TransportError(`Cannot go on: the connection was closed${why}`);
}

/** A server may ask its client something; this one can do nothing but answer. */
function answerOf(message: Message): Message {
  if (message.method === "ping") return result(message.id!, {});
  const why = `Cannot answer ${message.method}: a load generator has no user`;
  return failure(message.id!, new GatewayError("MethodNotFound", why));
}
