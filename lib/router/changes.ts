/**
 * Changes of lists that come shortly after each other, told as one.
 *
 * @module
 */
import { notification } from "../core/compose.ts";
import type { Message } from "../core/message.ts";
import type { ListKind } from "./lists.ts";

/** Changes within so many ms are one: servers that start together come together. */
const GATHER_MS = 100;

/** Gathers the changes of one client. Dispose it to forget them. */
export class Changes implements Disposable {
  readonly #tell: (message: Message) => void;
  readonly #timers = new Map<ListKind, ReturnType<typeof setTimeout>>();

  /** @param tell sends a `list_changed` to the client */
  constructor(tell: (message: Message) => void) {
    this.#tell = tell;
  }

  /** A list has changed. */
  note(kind: ListKind): void {
    if (this.#timers.has(kind)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(kind);
      this.#tell(notification(`notifications/${kind}/list_changed`));
    }, GATHER_MS);
    this.#timers.set(kind, timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Which list a notification says has changed; `undefined` when it says something else. */
export function changedKind({ method }: Message): ListKind | undefined {
  switch (method) {
    case "notifications/tools/list_changed":
      return "tools";
    case "notifications/prompts/list_changed":
      return "prompts";
    case "notifications/resources/list_changed":
      return "resources";
  }
}
