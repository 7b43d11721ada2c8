/**
 * Clients as operators see them: by the hash of their session, never by its id.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { type ClientRecord, originOf } from "./client_record.ts";
import { clientHash, type Clients, type LiveSession } from "./clients.ts";
import { shownText } from "./client_record.ts";

/** One client. */
export interface ClientView {
  readonly client: string;
  readonly clientId?: string;
  /** What it says it is. */
  readonly software?: string;
  readonly principal?: string;
  readonly transport?: string;
  readonly address?: string;
  /** Version of the protocol that was agreed on. */
  readonly protocol?: string;
  /** Whether it has a session. */
  readonly hasSession: boolean;
  /** Since its first answer, s. */
  readonly ageS: number;
  /** Since it was last heard of, s. */
  readonly idleS: number;
  readonly inFlight: number;
  /** Whether it can be reached with what belongs to no call. */
  readonly listening: boolean;
  readonly calls: number;
  readonly errors: number;
  readonly lastMethod?: string;
  readonly traced: boolean;
}

/** Every client with a session, and those without that were seen in the last five minutes. */
export function clientViews(clients: Clients, sessions: Iterable<LiveSession>): ClientView[] {
  const nowMs = Date.now();
  const views: ClientView[] = [];
  for (const session of sessions) {
    if (!session.isSessionless) views.push(sessionView(session, clients.of(session), nowMs));
  }
  for (const record of clients.sessionless) {
    if (nowMs - record.lastMs > SESSIONLESS_SHOWN_MS) continue;
    views.push({ ...recordPart(record, nowMs), hasSession: false, inFlight: 0, listening: false });
  }
  return views;
}

/** Whether a text names a client: by its hash, what it calls itself, who it is, or where it comes from. */
export function isNamed(view: ClientView, name: string): boolean {
  return view.client === name || view.clientId === name || view.principal === name ||
    view.address === name || (view.address !== undefined &&
      originOf({ address: view.address, principal: view.principal }) === name);
}

const SESSIONLESS_SHOWN_MS = 5 * 60_000;

function sessionView(
  session: LiveSession,
  record: ClientRecord | undefined,
  nowMs: number,
): ClientView {
  const protocol = shownText(session.protocolVersion);
  const idleS = seconds(monotonicMs() - session.lastSeenMs);
  const own = {
    hasSession: true,
    ...protocol !== undefined && { protocol },
    idleS,
    inFlight: session.callsInFlight,
    listening: session.listening,
  };
  if (record !== undefined) return { ...recordPart(record, nowMs), ...own };
  const client = clientHash(session.id);
  return { client, ageS: idleS, calls: 0, errors: 0, traced: false, ...own };
}

function recordPart(record: ClientRecord, nowMs: number) {
  const { hash, clientId, software, principal, transport, address } = record;
  return {
    client: hash,
    ...clientId !== undefined && { clientId },
    ...software !== undefined && { software },
    ...principal !== undefined && { principal },
    ...{ transport, address },
    ageS: seconds(nowMs - record.sinceMs),
    idleS: seconds(nowMs - record.lastMs),
    calls: record.calls,
    errors: record.errors,
    lastMethod: record.lastMethod,
    traced: record.trace !== undefined && record.trace.untilMs > nowMs,
  };
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 100) / 10);
}
