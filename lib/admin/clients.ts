/**
 * Who uses the gateway and how they fare: counted as answers leave, looked up when an operator asks.
 *
 * @module
 */
import { hash } from "node:crypto";
import { identityOf } from "../core/account.ts";
import type { Call, Session } from "../core/handler.ts";
import { methodLabel } from "../telemetry/method_label.ts";
import { isErrorOutcome } from "../telemetry/watch/outcomes.ts";
import { Recent } from "../telemetry/watch/recent.ts";
import {
  type ClientRecord,
  originOf,
  recordOf,
  shownText,
  softwareOf,
  type TracedCall,
} from "./client_record.ts";
import { Openings } from "./openings.ts";

/** A session as the registry knows it. */
export interface LiveSession extends Session {
  /** When its client was last heard of, monotonic ms. */
  readonly lastSeenMs: number;
  /** Whether a stream to the client is open for messages that belong to no call. */
  readonly listening: boolean;
}

/** One answer that was an error. */
export interface ClientError extends TracedCall {
  /** Hash of the client. */
  readonly client: string;
  readonly transport: string;
  readonly address: string;
  readonly principal?: string;
}

/** Errors that are kept. */
const ERRORS_MAX = 500;
/** Clients without sessions that are remembered. */
const SESSIONLESS_MAX = 1_000;
/** Clients traced at once. */
export const TRACES_MAX = 20;
const TRACED_CALLS_MAX = 200;
const TRACE_MS = 10 * 60_000;
const HASH_CHARS = 12;

/** See the module. */
export class Clients {
  readonly errors = new Recent<ClientError>(ERRORS_MAX);
  readonly openings = new Openings();
  readonly #records = new WeakMap<Session, ClientRecord>();
  readonly #sessionless = new Map<string, ClientRecord>();
  readonly #traced = new Set<ClientRecord>();
  readonly #nowMs: () => number;

  /** @param nowMs Unix time */
  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** Takes note of an answer. On the path of every call: a lookup and a few numbers, 50 ns. */
  answered(call: Call, outcome: string, durationMs: number): void {
    const record = this.#records.get(call.session) ?? this.#meet(call);
    record.calls++;
    const { method } = call.message;
    record.lastMethod = methodLabel(method!);
    if (method === "initialize") record.software = softwareOf(call);
    const isError = isErrorOutcome(outcome);
    if (isError) record.errors++;
    if (record.trace !== undefined || isError) this.#keep(record, call, outcome, durationMs);
  }

  #keep(record: ClientRecord, call: Call, outcome: string, durationMs: number): void {
    const answer = tracedCall(call, outcome, durationMs, this.#nowMs());
    if (isErrorOutcome(outcome)) this.errors.add({ ...answer, ...placeOf(record) });
    if (record.trace === undefined) return;
    if (record.trace.untilMs < answer.atMs) this.#untrace(record);
    else record.trace.calls.add(answer);
  }

  /** What is known of a session; nothing before its first answer. */
  of(session: Session): ClientRecord | undefined {
    return this.#records.get(session);
  }

  /** Clients without sessions, those seen last at the end. */
  get sessionless(): readonly ClientRecord[] {
    return [...this.#sessionless.values()];
  }

  /** Traces a client from now on for ten minutes. @returns whether there is room for one more */
  trace(record: ClientRecord): boolean {
    const untilMs = this.#nowMs() + TRACE_MS;
    for (const other of this.#traced) {
      if (other.trace!.untilMs < this.#nowMs()) this.#untrace(other);
    }
    if (!this.#traced.has(record) && this.#traced.size >= TRACES_MAX) return false;
    this.#traced.add(record);
    record.trace = { calls: record.trace?.calls ?? new Recent(TRACED_CALLS_MAX), untilMs };
    return true;
  }

  #untrace(record: ClientRecord): void {
    this.#traced.delete(record);
    record.trace = undefined;
  }

  #meet(call: Call): ClientRecord {
    const { session } = call;
    const nowMs = this.#nowMs();
    if (session.isSessionless) return this.#meetSessionless(call, nowMs);
    const record = recordOf(call, clientHash(session.id), nowMs);
    this.#records.set(session, record);
    this.openings.note(originOf(record), nowMs);
    return record;
  }

  /** Of the modern era every request is a session; its client is known by who it is, or where it comes from. */
  #meetSessionless(call: Call, nowMs: number): ClientRecord {
    const { transport, address } = call.request;
    const key = `${transport} ${originOf({ principal: identityOf(call)?.principal, address })}`;
    const known = this.#sessionless.get(key);
    if (known !== undefined) {
      known.lastMs = nowMs;
      return known;
    }
    if (this.#sessionless.size >= SESSIONLESS_MAX) {
      this.#sessionless.delete(this.#sessionless.keys().next().value!);
    }
    const record = recordOf(call, clientHash(key), nowMs);
    this.#sessionless.set(key, record);
    return record;
  }
}

/** What stands for a session where people see it; it leads nobody back to the id. */
export function clientHash(id: string): string {
  return hash("sha256", id, "hex").slice(0, HASH_CHARS);
}

function tracedCall(call: Call, outcome: string, durationMs: number, atMs: number): TracedCall {
  const name = shownText(call.message.name);
  return {
    atMs,
    method: shownText(call.message.method)!,
    ...name !== undefined && { name },
    durationMs: Math.round(durationMs * 100) / 100,
    outcome,
  };
}

function placeOf({ hash, transport, address, principal }: ClientRecord) {
  return { client: hash, transport, address, ...principal !== undefined && { principal } };
}
