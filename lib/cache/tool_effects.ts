/**
 * Which tools only read, as the last tool lists that passed have said.
 *
 * @module
 */
import type { Message } from "../core/message.ts";

/** Lists that are remembered: pages, and lists of clients that see different ones. */
const LISTS_MAX = 16;
/** Bytes of these. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;

/** What is known of the tools of one upstream. */
export class ToolEffects {
  /** Parsed only when there is a call to judge. */
  #lists: Uint8Array[] = [];
  #bytes = 0;
  #reading: ReadonlySet<string> | undefined;

  /** Takes an answer to `tools/list`. */
  learn(answer: Message): void {
    const bytes = answer.bytes.slice(); // of its own: the answer's may be a view of a large buffer
    this.#lists.push(bytes);
    this.#bytes += bytes.length;
    this.#reading = undefined;
    while (this.#lists.length > LISTS_MAX || this.#bytes > LIST_BYTES_MAX) {
      this.#bytes -= this.#lists.shift()!.length;
    }
  }

  /** What was said is not to be believed any more. */
  forget(): void {
    this.#lists = [];
    this.#bytes = 0;
    this.#reading = undefined;
  }

  /** Whether a call of a tool may change something: also where nothing is known of the tool. */
  mayChange({ name }: Message): boolean {
    this.#reading ??= readingTools(this.#lists);
    return name === undefined || !this.#reading.has(name);
  }
}

/** Tools that every list that names them calls read-only. */
function readingTools(lists: readonly Uint8Array[]): Set<string> {
  const reading = new Set<string>(), others = new Set<string>();
  for (const list of lists) {
    const tools: unknown = JSON.parse(decoder.decode(list)).result?.tools;
    if (!Array.isArray(tools)) continue;
    for (const tool of tools) {
      const isReading = tool?.annotations?.readOnlyHint === true;
      (isReading ? reading : others).add(String(tool?.name));
    }
  }
  return reading.difference(others);
}

const decoder = new TextDecoder();
