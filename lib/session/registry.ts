/**
 * All live sessions.
 *
 * @module
 */
import { accountOf } from "../core/account.ts";
import { monotonicMs } from "../core/clock.ts";
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import {
  CALL_DEADLINE_HARD_MS,
  CALLS_OPEN_MAX,
  SESSION_IDLE_MS,
  SESSIONS_MAX,
  SESSIONS_PER_ACCOUNT_MAX,
} from "../core/limits.ts";
import { tagged } from "../core/worker_tag.ts";
import { AccountCounts } from "./account_counts.ts";
import { ClientSession } from "./session.ts";

/** Limits of the registry. */
export interface RegistryOptions {
  readonly sessionsMax: number;
  /** Sessions of one principal; of one address, other than this machine's, where nobody is proved. */
  readonly sessionsPerAccountMax: number;
  readonly sessionIdleMs: number;
  /** Told how many sessions are live whenever that changes. */
  readonly onCount: (count: number) => void;
}

const ID_BYTES = 18; // 144 random bits
const SWEEP_MS_MAX = 1_000;

/** Opens, finds, expires and ends sessions. Dispose it to end them all. */
export class SessionRegistry implements Disposable {
  #options: RegistryOptions;
  readonly #sessions = new Map<string, ClientSession>();
  /** Those that last for one request only. */
  readonly #passing = new Set<ClientSession>();
  readonly #perAccount = new AccountCounts<ClientSession>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Partial<RegistryOptions> = {}) {
    this.#options = {
      sessionsMax: SESSIONS_MAX,
      sessionsPerAccountMax: SESSIONS_PER_ACCOUNT_MAX,
      sessionIdleMs: SESSION_IDLE_MS,
      onCount: () => {},
      ...options,
    };
  }

  /** Changes limits; sessions that are open stay. */
  limit(limits: Omit<RegistryOptions, "onCount">): void {
    this.#options = { ...this.#options, ...limits };
  }

  /** Live sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Opens a session under a new id.
   *
   * @param opening the request that asks for it, where later requests name the session by its id
   * @param client on whose account it goes
   * @throws {GatewayError} Overloaded when there are too many; RateLimited when the client has too many
   */
  open(opening?: RequestInfo, client = opening): ClientSession {
    if (this.#sessions.size >= this.#options.sessionsMax) {
      throw new GatewayError(
        "Overloaded",
        `Cannot open session: ${this.#options.sessionsMax} are open already`,
        { headers: { "retry-after": "60" } },
      );
    }
    const account = client && accountOf(client, client.identity);
    const perAccountMax = this.#options.sessionsPerAccountMax;
    if (this.#perAccount.of(account) >= perAccountMax) throw tooManyOfOne(perAccountMax);
    const session = new ClientSession(newId(), {
      askDeadlineMs: CALL_DEADLINE_HARD_MS,
      asksOpenMax: CALLS_OPEN_MAX,
    }, opening);
    // Over HTTP every request proves itself anew; a connection is what it was when it began.
    if (opening === undefined) session.provedUntilMs = client?.identity?.expiresAtMs ?? Infinity;
    this.#sessions.set(session.id, session);
    this.#perAccount.add(session, account);
    this.#options.onCount(this.size);
    this.#timer ??= setTimeout(this.#sweep, this.#sweepMs);
    return session;
  }

  /** Stands for a client without session for the time of one request. To be ended as any other. */
  openSessionless(): ClientSession {
    const session = new ClientSession("", SESSIONLESS);
    this.#passing.add(session);
    this.#timer ??= setTimeout(this.#sweep, this.#sweepMs);
    return session;
  }

  /** Live sessions of one account. */
  countOf(account: string): number {
    return this.#perAccount.of(account);
  }

  /** Most sessions of one account. */
  get perAccountMax(): number {
    return this.#options.sessionsPerAccountMax;
  }

  /** The live session with this id. */
  find(id: string): ClientSession | undefined {
    return this.#sessions.get(id);
  }

  /** Ends a session. */
  end(session: ClientSession): void {
    if (session.isSessionless) this.#passing.delete(session);
    else if (this.#sessions.delete(session.id)) this.#options.onCount(this.size);
    this.#perAccount.delete(session);
    session.end();
  }

  /** All live sessions, and those of single requests. */
  all(): ClientSession[] {
    return [...this.#sessions.values(), ...this.#passing];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const session of this.all()) this.end(session);
  }

  get #sweepMs(): number {
    return Math.min(SWEEP_MS_MAX, this.#options.sessionIdleMs);
  }

  readonly #sweep = (): void => {
    const nowMs = monotonicMs();
    const deadlineMs = nowMs - this.#options.sessionIdleMs;
    for (const session of this.#sessions.values()) {
      const busy = session.callsInFlight > 0 || session.listening;
      const isOver = session.provedUntilMs <= Date.now();
      if (isOver || (!busy && session.lastSeenMs < deadlineMs)) this.end(session);
      else session.sweep(nowMs);
    }
    for (const session of this.#passing) session.sweep(nowMs);
    const isEmpty = this.#sessions.size === 0 && this.#passing.size === 0;
    this.#timer = isEmpty ? undefined : setTimeout(this.#sweep, this.#sweepMs);
  };
}

const SESSIONLESS = { askDeadlineMs: 0, asksOpenMax: 0, isSessionless: true };

/** Why a client may not open another session. */
export function tooManyOfOne(max: number): GatewayError {
  const why = `Cannot open session: this client has ${max} open already`;
  return new GatewayError("RateLimited", why, {
    headers: { "retry-after": "60" },
    data: { outcome: "not_sent" },
  });
}

function newId(): string {
  return tagged(crypto.getRandomValues(new Uint8Array(ID_BYTES)).toHex());
}
