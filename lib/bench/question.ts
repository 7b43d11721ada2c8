/**
 * Requests by the million: one message is composed, and each call is a copy of it with a number and a
 * nonce of its own written over the places held free for them.
 *
 * @module
 */
import { request } from "../core/compose.ts";
import { type Era, LATEST_MODERN_VERSION, META_PREFIX } from "../core/eras.ts";
import type { Message } from "../core/message.ts";
import type { Plan } from "./plan.ts";

/** Numbers of calls have nine digits, so that all copies have the same length. */
export const FIRST_CALL = 100_000_000;
const CALL_DIGITS = 9, CONNECTION_DIGITS = 6;
/** Connections that a nonce can tell apart. */
export const CONNECTIONS_MAX = 10 ** CONNECTION_DIGITS;

const NONCE_PLACE = "{nonce}";
/** `b`, the number of the connection, a dot, the number of the call. */
const NONCE = `b${"0".repeat(CONNECTION_DIGITS)}.${"0".repeat(CALL_DIGITS)}`;
const ZERO = 0x30, LETTER_B = 0x62, DOT = 0x2e;
const encoder = new TextEncoder();

/** Whether an answer belongs to its question. */
export type Match = "same" | "other" | "unknown";

/** One kind of request. */
export class Question {
  readonly #template: Message;
  readonly #nonceAt: number;
  readonly #id = new Uint8Array(CALL_DIGITS);
  /** Where answers carry the nonce: not known yet, nowhere, or at this place. */
  #answerAt: number | "unknown" | "nowhere" = "unknown";

  /** @param params JSON text, with `{nonce}` where the nonce goes */
  constructor(era: Era, method: string, params: string) {
    const value = JSON.parse(params.replace(NONCE_PLACE, NONCE));
    const filled = era === "modern" ? { ...value, _meta: PROTOCOL_META } : value;
    const used = Object.keys(filled).length === 0 ? undefined : filled;
    this.#template = request(FIRST_CALL, method, used);
    this.#nonceAt = find(this.#template.bytes, encoder.encode(NONCE));
  }

  /** Bytes of each request. */
  get byteLength(): number {
    return this.#template.bytes.length;
  }

  /** Whether answers were found to carry the nonce; `undefined` before the first answer and where none is sent. */
  get isChecked(): boolean | undefined {
    if (this.#nonceAt < 0 || this.#answerAt === "unknown") return undefined;
    return this.#answerAt !== "nowhere";
  }

  /** The request of one call. */
  message(connection: number, call: number): Message {
    writeDigits(this.#id, 0, call, CALL_DIGITS);
    const message = this.#template.withId(this.#id);
    if (this.#nonceAt >= 0) { // nobody else has seen the copy yet
      writeDigits(message.bytes, this.#nonceAt + 1, connection, CONNECTION_DIGITS);
      writeDigits(message.bytes, this.#nonceAt + 2 + CONNECTION_DIGITS, call, CALL_DIGITS);
    }
    return message;
  }

  /** Whether an answer carries the nonce of its question; `unknown` where answers carry none. */
  match(answer: Uint8Array, connection: number, call: number): Match {
    if (this.#nonceAt < 0 || this.#answerAt === "nowhere") return "unknown";
    if (this.#answerAt !== "unknown") {
      if (isNonceAt(answer, this.#answerAt, connection, call)) return "same";
    }
    const at = find(answer, nonceOf(connection, call));
    if (at >= 0) {
      this.#answerAt = at;
      return "same";
    }
    if (this.#answerAt !== "unknown" || hasNonce(answer)) return "other";
    this.#answerAt = "nowhere";
    return "unknown";
  }
}

/** The questions of a scenario; the call with number n asks the one at n modulo their count. */
export function questionsOf(plan: Pick<Plan, "scenario" | "era" | "tool" | "toolArguments">) {
  const { era, tool, toolArguments } = plan;
  const call = new Question(
    era,
    "tools/call",
    `{"name":${JSON.stringify(tool)},"arguments":${toolArguments}}`,
  );
  const list = new Question(era, "tools/list", "{}");
  switch (plan.scenario) {
    case "tools-list":
      return [list];
    case "mixed": {
      const hello = new Question(era, era === "modern" ? "server/discover" : "ping", "{}");
      return [call, call, list, call, call, hello, call, call, list, call];
    }
    default:
      return [call];
  }
}

/** What requests of the era without handshake say of their client. */
export const PROTOCOL_META = {
  [`${META_PREFIX}protocolVersion`]: LATEST_MODERN_VERSION,
  [`${META_PREFIX}clientCapabilities`]: {},
  [`${META_PREFIX}clientInfo`]: { name: "sluice-bench", version: "1" },
};

function writeDigits(bytes: Uint8Array, at: number, value: number, digits: number): void {
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    bytes[i] = ZERO + value - 10 * rest;
    value = rest;
  }
}

function isNonceAt(bytes: Uint8Array, at: number, connection: number, call: number): boolean {
  if (bytes[at] !== LETTER_B || bytes[at + 1 + CONNECTION_DIGITS] !== DOT) return false;
  return numberAt(bytes, at + 1, CONNECTION_DIGITS) === connection &&
    numberAt(bytes, at + 2 + CONNECTION_DIGITS, CALL_DIGITS) === call;
}

/** Whether there is the nonce of any call: an answer without one comes from a tool that echoes nothing. */
function hasNonce(answer: Uint8Array): boolean {
  return /b\d{6}\.\d{9}/.test(new TextDecoder().decode(answer));
}

function numberAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) value = value * 10 + bytes[i] - ZERO;
  return value;
}

function nonceOf(connection: number, call: number): Uint8Array {
  const nonce = encoder.encode(NONCE);
  writeDigits(nonce, 1, connection, CONNECTION_DIGITS);
  writeDigits(nonce, 2 + CONNECTION_DIGITS, call, CALL_DIGITS);
  return nonce;
}

function find(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]); at >= 0; at = bytes.indexOf(part[0], at + 1)) {
    let i = 1;
    while (i < part.length && bytes[at + i] === part[i]) i++;
    if (i === part.length) return at;
  }
  return -1;
}
