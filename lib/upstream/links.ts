/**
 * The connection that a client of a server uses now, and those that it has moved away from: these take no
 * new calls, and end when their last is answered.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Link } from "./link.ts";

/** See the module. Dispose it to end all connections at once. */
export class Links implements AsyncDisposable {
  /** The connection in use; it may have been lost. */
  current: Link | undefined;
  readonly #retired = new Set<Link>();
  readonly #endings = new Set<Promise<void>>();

  /** Calls in flight. */
  get load(): number {
    let calls = this.current?.load ?? 0;
    for (const link of this.#retired) calls += link.load;
    return calls;
  }

  /** Lets a connection go that still stands: it ends in its own time. */
  retire(link: Link): void {
    if (this.current === link) this.current = undefined;
    this.#retired.add(link);
    const ending = link.finish().then(() => link[Symbol.asyncDispose]()).finally(() => {
      this.#retired.delete(link);
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  /** Calls that wait for an answer. */
  waitingCalls(): Call[] {
    return this.#all().flatMap((link) => link.waitingCalls());
  }

  /** Forwards a client's cancellation. */
  cancel(session: Session, message: Message): void {
    for (const link of this.#all()) link.cancel(session, message);
  }

  /** Cancels a call that nobody waits for any more. */
  abandon(call: Call): void {
    for (const link of this.#all()) link.abandon(call);
  }

  /** Cancels every call of a session that has gone. */
  cancelAll(session: Session): void {
    for (const link of this.#all()) link.cancelAll(session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all().map((link) => link[Symbol.asyncDispose]()));
    await Promise.all(this.#endings);
  }

  #all(): Link[] {
    return this.current === undefined ? [...this.#retired] : [...this.#retired, this.current];
  }
}
