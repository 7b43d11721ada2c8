/**
 * What a relayed request carries in a header of its own: proof that a worker of the same gateway sends it,
 * which listener it came in on, and from whom. Believed on the workers' private sockets only; whatever a client
 * writes there is taken out before anything is relayed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Origin } from "./origin.ts";

/** Name of the header. */
export const PASSPORT_HEADER = "x-sluice-worker";

/** What it says. */
export interface Passport {
  /** Listener that the request came in on, as its URL; `""` for a question of the worker itself. */
  readonly listener: string;
  readonly origin: Origin;
}

/** Passports of different clients that are remembered: reading one costs more than the rest of a small head. */
const REMEMBERED_MAX = 256;
const NOBODY: Origin = { address: "", port: 0 };

/** Writes and reads passports under one secret that all workers of a gateway have. */
export class Passports {
  readonly #secret: Buffer;
  readonly #read = new Map<string, Passport>();

  /** @param secret any text; the same for all workers */
  constructor(secret: string) {
    this.#secret = Buffer.from(secret);
  }

  /** The header's value. */
  write(listener: string, origin: Origin = NOBODY): string {
    const said = Buffer.from(JSON.stringify({ listener, origin })).toString("base64url");
    return `${this.#secret}.${said}`;
  }

  /** What a value says; `undefined` when it is not from one of us. */
  read(value: string): Passport | undefined {
    const known = this.#read.get(value);
    if (known !== undefined) return known;
    const at = value.lastIndexOf(".");
    const secret = Buffer.from(value.slice(0, Math.max(0, at)));
    if (secret.length !== this.#secret.length || !timingSafeEqual(secret, this.#secret)) return;
    const passport: Passport = JSON.parse(Buffer.from(value.slice(at + 1), "base64url").toString());
    if (this.#read.size >= REMEMBERED_MAX) this.#read.clear();
    this.#read.set(value, passport);
    return passport;
  }
}
