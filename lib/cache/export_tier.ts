/**
 * The second tier: what another gateway on this machine exports by shared memory, as long as it is certain that it
 * is the one which stands behind this upstream.
 *
 * @module
 */
import { rawResult } from "../core/compose.ts";
import type { Call, Handler } from "../core/handler.ts";
import type { ExportReader } from "../shm/following_reader.ts";
import {
  type ExportedContents,
  type ExportedList,
  type ExportState,
  listKey,
  SHARED_KINDS,
  type SharedKind,
  STATE_KEY,
} from "./export_state.ts";
import { InstanceProof } from "./instance_proof.ts";
import { KeptAnswer } from "./kept_answer.ts";
import type { CachedKind, CachedRequest } from "./request_key.ts";
import type { SharedTier } from "./shared_tier.ts";

/** What a tier is made of. */
export interface ExportTierOptions {
  /** Belongs to the tier from now on. */
  readonly reader: ExportReader;
  /** What is not told to change is good for so long after it was read, ms; 10 s by default. */
  readonly untoldMs?: number;
  /** An answer goes on in memory for so long, ms; then the export is looked at again. */
  readonly memoryMs: number;
  /** Wall clock, ms since 1970: what two processes have in common. */
  readonly wallMs?: () => number;
}

const UNTOLD_MS = 10_000;
/** A snapshot that is older is that of a dead writer (docs/shm-layout.md), ms. */
const LIVE_MS = 10_000;
/** How often the state is looked at, ms: changes count here so much later at most. */
const FOLLOW_MS = 10;

/** Lists that are exported item by item, and the type of the items. */
const ITEM_TYPES = { tools: "tool", prompts: "prompt" } as const;

/** See the module. */
export class ExportTier implements SharedTier, Disposable {
  readonly #options: ExportTierOptions;
  readonly #proof = new InstanceProof();
  #followedMs = -Infinity;
  #text = "";
  #state: ExportState | undefined;

  constructor(options: ExportTierOptions) {
    this.#options = options;
  }

  follow(nowMs: number, changed: (kinds: readonly CachedKind[]) => void): void {
    if (nowMs - this.#followedMs < FOLLOW_MS) return;
    this.#followedMs = nowMs;
    const before = this.#state;
    if (!this.#read() || before === undefined) return;
    const now = this.#state;
    const isOther = now?.instance !== before.instance;
    const kinds = SHARED_KINDS.filter((kind) =>
      isOther || now!.changes[kind] !== before.changes[kind]
    );
    if (kinds.length > 0) changed(kinds);
  }

  find(
    call: Call,
    next: Handler,
    request: CachedRequest,
    since: number,
    nowMs: number,
  ): KeptAnswer | undefined {
    const state = this.#state;
    const { kind } = request;
    if (state === undefined || !isShared(kind) || !request.isFirstPage) return undefined;
    if (!state.isCurrent[kind] || !this.#isLive()) return undefined;
    if (!this.#proof.holds(state.instance, nowMs)) {
      void this.#proof.ask(call, next, nowMs);
      return undefined;
    }
    const ageMs = this.#wallMs() - state.readMs[kind];
    const isUntold = !state.isTold[kind] && ageMs >= (this.#options.untoldMs ?? UNTOLD_MS);
    const found = kind === "contents" ? this.#contents(request) : this.#list(kind);
    if (found === undefined || ageMs < 0) return undefined;
    const leftMs = found.ttlMs === undefined ? undefined : found.ttlMs - ageMs;
    if (leftMs === undefined ? isUntold : leftMs <= 0) return undefined;
    return keptAnswer(request, found.parts, leftMs, {
      receivedMs: nowMs,
      lifeMs: Math.min(leftMs ?? Infinity, this.#options.memoryMs),
      since,
    });
  }

  [Symbol.dispose](): void {
    this.#options.reader[Symbol.dispose]();
  }

  #wallMs(): number {
    return this.#options.wallMs?.() ?? Date.now();
  }

  #isLive(): boolean {
    const { problem, ageMs } = this.#options.reader.info();
    return problem === undefined && ageMs !== undefined && ageMs <= LIVE_MS;
  }

  /** Reads the state; whether it is another than before. */
  #read(): boolean {
    const data = this.#options.reader.get("capability", STATE_KEY)?.data;
    const text = data === undefined ? "" : decoder.decode(data);
    if (text === this.#text) return false;
    this.#text = text;
    this.#state = parsed<ExportState>(text);
    return true;
  }

  #list(kind: SharedKind): Found | undefined {
    if (kind !== "tools" && kind !== "prompts") return undefined;
    const { reader } = this.#options;
    const order = reader.get("capability", listKey(kind))?.data;
    const list = order && parsed<ExportedList>(decoder.decode(order));
    if (list === undefined) return undefined;
    const parts: Uint8Array[] = [encoder.encode(`{"${kind}":[`)];
    for (const [index, name] of list.names.entries()) {
      const item = reader.get(ITEM_TYPES[kind], name)?.data;
      if (item === undefined) return undefined; // another snapshot came between: it is asked for again
      if (index > 0) parts.push(COMMA);
      parts.push(item);
    }
    parts.push(encoder.encode("]"));
    return { parts, ttlMs: list.ttlMs };
  }

  #contents({ uri }: CachedRequest): Found | undefined {
    const entry = this.#options.reader.get("resource", uri!);
    const metadata = entry?.metadata;
    const answer = metadata?.answer as ExportedContents | undefined;
    if (entry === undefined || answer === undefined) return undefined;
    const { data } = entry;
    const value = answer.form === "text" ? decoder.decode(data) : data.toBase64();
    const content = { uri, mimeType: metadata!.mimeType, [answer.form]: value };
    return {
      parts: [encoder.encode(`{"contents":[${JSON.stringify(content)}]`)],
      ttlMs: answer.ttlMs,
    };
  }
}

/** An answer's result without its end, and what its server declared. */
interface Found {
  readonly parts: readonly Uint8Array[];
  readonly ttlMs: number | undefined;
}

function keptAnswer(
  request: CachedRequest,
  parts: readonly Uint8Array[],
  leftMs: number | undefined,
  keeping: { receivedMs: number; lifeMs: number; since: number },
): KeptAnswer {
  let end = request.isModern ? ',"resultType":"complete"' : "";
  if (leftMs !== undefined) end += `,"ttlMs":${Math.floor(leftMs)},"cacheScope":"public"`;
  else if (request.isModern) end += ',"ttlMs":0,"cacheScope":"private"';
  const answer = rawResult(ZERO, joined([...parts, encoder.encode(`${end}}`)]));
  const warrant = leftMs === undefined ? "assumed" : "declared";
  return KeptAnswer.declaring(answer, leftMs, { ...keeping, request, warrant });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let at = 0;
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function isShared(kind: CachedKind): kind is SharedKind {
  return (SHARED_KINDS as readonly string[]).includes(kind);
}

/** What JSON text says; `undefined` where it is none: the file may be anybody's. */
function parsed<T>(text: string): T | undefined {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined; // a miss
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ZERO = encoder.encode("0");
const COMMA = encoder.encode(",");
