/**
 * Who credentials have proved to be from, for as long as that can be said without asking again.
 *
 * @module
 */
import type { Identity } from "../core/identity.ts";

/** What is remembered of one credential. */
export interface Proved {
  readonly identity: Identity;
  /** `jti` of a token that has one. */
  readonly tokenId?: string;
}

interface Entry extends Proved {
  readonly untilMs: number;
}

const ENTRIES_MAX = 10_000;

/** By digests of credentials; the one that was found longest ago makes room. */
export class IdentityCache {
  readonly #entries = new Map<string, Entry>();
  readonly #entriesMax: number;

  constructor(entriesMax = ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
  }

  /** What a credential has proved, if that still holds. */
  find(digest: string, nowMs: number): Proved | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    if (nowMs < entry.untilMs) return entry;
    this.#entries.delete(digest);
  }

  /**
   * Remembers what a credential has proved.
   *
   * @param untilMs not longer than that, ms since 1970
   */
  keep(digest: string, proved: Proved, untilMs: number): void {
    const { expiresAtMs = Infinity } = proved.identity;
    this.#entries.delete(digest);
    if (this.#entries.size >= this.#entriesMax) {
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    this.#entries.set(digest, { ...proved, untilMs: Math.min(untilMs, expiresAtMs) });
  }

  /** Forgets everything: what it rested on has changed. */
  clear(): void {
    this.#entries.clear();
  }
}
