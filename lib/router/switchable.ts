/**
 * An upstream whose target can be exchanged while it runs: from one server to several, or to another. Calls
 * under way stay with the old target, which ends after them; clients are told that their lists have changed.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import { isListen } from "../core/listen.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import { MovingListen } from "./moving_listen.ts";
import { Running } from "./running.ts";
import { StandingClient } from "./standing_client.ts";

/** A target, and what is under way at it. */
interface Target {
  readonly upstream: Upstream;
  readonly running: Running;
  ended?: Promise<void>;
}

/** See the module. Dispose it to end every target. */
export class Switchable implements Upstream {
  #target: Target;
  readonly #leaving = new Map<Target, Promise<void>>();
  readonly #clients = new Map<Session, StandingClient>();
  readonly #listens = new Set<MovingListen>();

  constructor(target: Upstream) {
    this.#target = { upstream: target, running: new Running() };
  }

  /** Of the target. */
  get name(): string {
    return this.#target.upstream.name;
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    const { session, message } = call;
    if (isListen(message)) return this.#listen(call);
    if (session.isSessionless) return this.#run(call);
    const client = this.#clientOf(session);
    if (message.kind === "notification") this.#tellLeaving(call);
    const moved = client.arriveAt(this.#target.upstream, call);
    client.note(message);
    return moved === undefined ? this.#run(call) : this.#afterArrival(client, call, moved);
  };

  /**
   * Exchanges the target.
   *
   * @param drainMs the old one has so long for its calls, ms
   */
  switchTo(upstream: Upstream, drainMs: number): void {
    const old = this.#target;
    this.#target = { upstream, running: new Running() };
    for (const client of this.#clients.values()) client.targetChanged();
    for (const listen of this.#listens) listen.move();
    const leaving = this.#retire(old, drainMs).finally(() => this.#leaving.delete(old));
    this.#leaving.set(old, leaving);
  }

  async prepare(session: Session): Promise<void> {
    await this.#target.upstream.prepare?.(session);
  }

  load(): number {
    return this.#targets().reduce((sum, { upstream }) => sum + upstream.load(), 0);
  }

  ready(): boolean {
    return this.#target.upstream.ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client[Symbol.dispose]();
    await Promise.all(this.#targets().map(end));
    await Promise.all(this.#leaving.values());
  }

  /** Another exchange may come meanwhile. */
  async #afterArrival(client: StandingClient, call: Call, moved: Promise<void>) {
    for (let arrival: Promise<void> | undefined = moved; arrival !== undefined;) {
      await arrival;
      arrival = client.arriveAt(this.#target.upstream, call);
    }
    return await this.#run(call);
  }

  #run(call: Call): Promise<Message | undefined> {
    const { upstream, running } = this.#target;
    return running.during(() => upstream.handle(call));
  }

  /** Streams are waited for by nobody: they move. */
  async #listen(call: Call): Promise<Message | undefined> {
    const listen = new MovingListen(call, (copy) => this.#target.upstream.handle(copy));
    this.#listens.add(listen);
    try {
      return await listen.run();
    } finally {
      this.#listens.delete(listen);
    }
  }

  /** Calls may be cancelled, and questions told of, where they are. */
  #tellLeaving(call: Call): void {
    const { method } = call.message;
    if (method !== "notifications/cancelled" && method !== "notifications/progress") return;
    for (const { upstream } of this.#leaving.keys()) {
      upstream.handle(call).catch(() => {}); // whoever has gone needs none
    }
  }

  #clientOf(session: Session): StandingClient {
    let client = this.#clients.get(session);
    if (client === undefined) {
      session.signal.throwIfAborted();
      const made = client = new StandingClient(session);
      this.#clients.set(session, client);
      session.signal.addEventListener("abort", () => {
        this.#clients.delete(session);
        made[Symbol.dispose]();
      }, { once: true });
    }
    return client;
  }

  async #retire(target: Target, drainMs: number): Promise<void> {
    target.upstream.drain?.();
    await target.running.idle(drainMs);
    await end(target);
  }

  #targets(): Target[] {
    return [this.#target, ...this.#leaving.keys()];
  }
}

/** Once, whoever asks for it. */
function end(target: Target): Promise<void> {
  return target.ended ??= Promise.resolve(target.upstream[Symbol.asyncDispose]());
}
