/**
 * Clients that keep doing what honest ones rarely do are refused for a time.
 *
 * Each event adds points to the account it is about; points fade. What is proved counts for the principal, not
 * for the address, and proxies that are believed are never counted: one client must not lock out others that
 * come the same way.
 *
 * @module
 */
import { addressAccount, principalAccount } from "../core/account.ts";
import { ipOf } from "../core/client_address.ts";
import { monotonicMs } from "../core/clock.ts";
import type { SecurityEvent, SecurityEventType } from "../core/security_event.ts";

/** How suspicion works. */
export interface SuspicionSettings {
  readonly enabled: boolean;
  /** Points from which on an account is refused. */
  readonly score: number;
  /** After so long half of the points are left, ms. */
  readonly halfLifeMs: number;
  /** An account is refused for so long, ms. */
  readonly refuseMs: number;
  /** Whether clients of this machine are suspected, too. */
  readonly loopback: boolean;
}

/** What surrounds it. */
export interface SuspicionOptions {
  /** Whether an address is a proxy that is believed. */
  readonly isProxy?: (ip: string) => boolean;
  /** An account is refused from now on. */
  readonly onRefused?: (event: SecurityEvent) => void;
  readonly nowMs?: () => number;
}

/** Points of each kind of event. What says nothing about the client, or has its own limit, has none. */
const POINTS: Readonly<Partial<Record<SecurityEventType, number>>> = {
  authentication_failed: 1,
  foreign_session: 2,
  threat_found: 2,
  protocol_violation: 1,
  host_refused: 1,
  access_denied: 0.5,
  arguments_refused: 0.2,
  cert_invalid: 1,
  tls_error: 0.5,
  handshake_failure: 0.5,
  silent_client: 0.2,
};

/** Accounts that are remembered. */
const ACCOUNTS_MAX = 10_000;
/** Accounts that are looked at, for each event, to find some that can be forgotten. */
const LOOKED_AT = 8;

interface Suspect {
  points: number;
  /** When the points were that many, monotonic ms. */
  atMs: number;
  refusedUntilMs: number;
  /** Until then it is not refused: somebody who uses the same address has proved who he is. */
  vouchedUntilMs: number;
}

/** A principal that is proved speaks for its address for so long, ms. */
const VOUCHED_MS = 10 * 60_000;
/** With fewer points nothing is known of an account any more. */
const POINTS_MIN = 0.01;

/** See the module. */
export class Suspicion {
  #settings: SuspicionSettings;
  readonly #options: SuspicionOptions;
  readonly #nowMs: () => number;
  /** Whoever was noted last comes last. */
  readonly #suspects = new Map<string, Suspect>();

  constructor(settings: SuspicionSettings, options: SuspicionOptions = {}) {
    this.#settings = settings;
    this.#options = options;
    this.#nowMs = options.nowMs ?? monotonicMs;
  }

  /** Other settings from now on; points stay, unless it is turned off. */
  configure(settings: SuspicionSettings): void {
    this.#settings = settings;
    if (!settings.enabled) this.#suspects.clear();
  }

  /** Whether there is nobody to be looked for. */
  get isEmpty(): boolean {
    return this.#suspects.size === 0;
  }

  /** Accounts that are remembered. */
  get size(): number {
    return this.#suspects.size;
  }

  /** Accounts that are refused now. */
  get refused(): number {
    const nowMs = this.#nowMs();
    let count = 0;
    for (const { refusedUntilMs } of this.#suspects.values()) if (refusedUntilMs > nowMs) count++;
    return count;
  }

  /** Takes an event into account. */
  note(event: SecurityEvent): void {
    const points = POINTS[event.type];
    if (points === undefined || event.upstream !== undefined || !this.#settings.enabled) return;
    const account = this.#accountOf(event);
    if (account === undefined) return;
    const nowMs = this.#nowMs();
    const suspect = this.#suspects.get(account) ?? unsuspected(nowMs);
    suspect.points = this.#faded(suspect, nowMs) + points;
    suspect.atMs = nowMs;
    this.#remember(account, suspect);
    // rounded: ten failures in a row are ten points, although the first has begun to fade
    const isTooMuch = Math.round(suspect.points) >= this.#settings.score;
    if (!isTooMuch || suspect.refusedUntilMs > nowMs) return;
    suspect.refusedUntilMs = nowMs + this.#settings.refuseMs;
    this.#options.onRefused?.(event);
  }

  /** A principal is proved at an address: from then on others there do not cost it the address. */
  vouch(address: string): void {
    if (this.isEmpty) return;
    const suspect = this.#suspects.get(this.#addressAccount(address) ?? "");
    if (suspect !== undefined) suspect.vouchedUntilMs = this.#nowMs() + VOUCHED_MS;
  }

  /** How long a principal is still refused, ms; 0 when it is not. */
  principalRefusedMs(principal: string): number {
    return this.isEmpty ? 0 : this.#refusedMs(principalAccount(principal));
  }

  /** How long an address, with or without its port, is still refused, ms; 0 when it is not. */
  addressRefusedMs(address: string): number {
    if (this.isEmpty) return 0;
    const account = this.#addressAccount(address);
    return account === undefined ? 0 : this.#refusedMs(account);
  }

  #refusedMs(account: string): number {
    const suspect = this.#suspects.get(account);
    if (suspect === undefined) return 0;
    const nowMs = this.#nowMs();
    return suspect.vouchedUntilMs > nowMs ? 0 : Math.max(0, suspect.refusedUntilMs - nowMs);
  }

  #accountOf({ address, principal }: SecurityEvent): string | undefined {
    if (principal) return principalAccount(principal);
    return address === undefined ? undefined : this.#addressAccount(address);
  }

  #addressAccount(address: string): string | undefined {
    const ip = ipOf(address);
    if (ip === undefined || this.#options.isProxy?.(ip)) return undefined;
    return addressAccount(ip, this.#settings.loopback);
  }

  #faded({ points, atMs }: Suspect, nowMs: number): number {
    return points * 2 ** ((atMs - nowMs) / this.#settings.halfLifeMs);
  }

  #remember(account: string, suspect: Suspect): void {
    this.#suspects.delete(account);
    this.#forgetSome();
    this.#suspects.set(account, suspect);
  }

  /** Of those that have been quiet for longest: who has no points left; without room the one with the fewest. */
  #forgetSome(): void {
    const nowMs = this.#nowMs();
    let least: string | undefined, fewest = Infinity, looked = 0;
    for (const [account, suspect] of this.#suspects) {
      const points = suspect.refusedUntilMs > nowMs ? Infinity : this.#faded(suspect, nowMs);
      if (points < POINTS_MIN) this.#suspects.delete(account);
      else if (points < fewest || least === undefined) [least, fewest] = [account, points];
      if (++looked >= LOOKED_AT) break;
    }
    if (least !== undefined && this.#suspects.size >= ACCOUNTS_MAX) this.#suspects.delete(least);
  }
}

function unsuspected(nowMs: number): Suspect {
  return { points: 0, atMs: nowMs, refusedUntilMs: 0, vouchedUntilMs: 0 };
}
