/**
 * Which calls cannot have had an effect: only these may be sent a second time. Methods that read, and tools that
 * their server has annotated so, as learned from the lists that pass by.
 *
 * @module
 */
import type { Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

/** Methods that only read. */
const READING: ReadonlySet<string> = new Set([
  "ping",
  "server/discover",
  "tools/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "prompts/list",
  "prompts/get",
  "completion/complete",
]);

/** Pages of a tool list that are kept. */
const PAGES_MAX = 64;
/** Bytes of these: ten times the largest list seen (claude-flow, 263 KB). */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** What is known of the tools of one upstream. */
export class CallSafety {
  /** Answers by their cursor. Read only when there is a call to judge: most lists never are. */
  readonly #pages = new Map<string, Message>();
  #bytes = 0;
  #safeTools: ReadonlySet<string> | undefined;

  /** Whether sending a request again cannot do what sending it once has not done already. */
  isSafe({ method, name }: Message): boolean {
    if (method === undefined) return false;
    if (method !== "tools/call") return READING.has(method);
    this.#safeTools ??= safeToolsIn(this.#pages.values());
    return name !== undefined && this.#safeTools.has(name);
  }

  /** Takes the answer to a `tools/list` that passes by; ignores all others. */
  learn(request: Message, answer: Message): void {
    if (request.method !== "tools/list" || answer.isError) return;
    const cursor: unknown = request.json().params?.cursor;
    const page = typeof cursor === "string" ? `after ${cursor}` : "first";
    if (page === "first") this.forget();
    this.#bytes += answer.bytes.length - (this.#pages.get(page)?.bytes.length ?? 0);
    this.#pages.set(page, answer);
    this.#safeTools = undefined;
    if (this.#pages.size > PAGES_MAX || this.#bytes > PAGE_BYTES_MAX) this.forget();
  }

  /** The tools have changed: what is known of them may be wrong. */
  forget(): void {
    this.#pages.clear();
    this.#bytes = 0;
    this.#safeTools = undefined;
  }
}

/** A layer that learns from the lists that pass. */
export function learning(safety: CallSafety): Policy {
  return (next) => (call) => {
    const { message } = call;
    if (message.method !== "tools/list") return next(call);
    return next(call).then((answer) => {
      if (answer !== undefined) safety.learn(message, answer);
      return answer;
    });
  };
}

function safeToolsIn(pages: Iterable<Message>): Set<string> {
  const names = new Set<string>();
  for (const page of pages) {
    const tools: unknown = page.json().result?.tools;
    if (!Array.isArray(tools)) continue;
    for (const tool of tools) {
      const { readOnlyHint, idempotentHint } = tool?.annotations ?? {};
      if (readOnlyHint === true || idempotentHint === true) names.add(String(tool.name));
    }
  }
  return names;
}
