/**
 * What holding messages back brings: none, the fixed limits of TCP, and the adaptive rule, over a sink within
 * the process. The peer answers each message that it was sent, and each answer is the next message, so that a
 * given number is in flight all the time. Compare within a group.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Batching } from "../lib/core/batching.ts";
import { request } from "../lib/core/compose.ts";
import type { Connection } from "../lib/core/connection.ts";
import { Outbox } from "../lib/core/outbox.ts";
import { AdaptiveBatching, BATCHING, FixedBatching } from "../lib/framing/batcher.ts";
import type { ByteSink } from "../lib/framing/bytes.ts";
import { framed } from "../lib/framing/framed.ts";
import { newline } from "../lib/framing/newline.ts";

const message = request(123456, "tools/call", {
  name: "echo",
  arguments: { text: "x".repeat(60) },
});
const lineBytes = message.bytes.length + 1;
const codec = newline({ messageBytesMax: 1024 * 1024 });
const source = { read: () => new Promise<null>(() => {}), cancel: () => {} };

/** Takes what it is given by the next turn of the event loop, as a socket does, and tells how many messages it was. */
class AnsweringSink implements ByteSink {
  onTaken: (messages: number) => void = () => {};
  messagesTaken = 0;
  #bytes = 0;
  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        resolve();
        this.#bytes += chunk.length; // large batches come in pieces, which end within a message
        const before = this.messagesTaken;
        this.messagesTaken = Math.floor(this.#bytes / lineBytes);
        this.onTaken(this.messagesTaken - before);
      });
    });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  abort(): void {}
}

/** Sends so many messages, and keeps so many in flight. */
function exchange(outbox: Outbox, sink: AnsweringSink, inFlight: number, messages: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let toSend = messages, open = 0;
  const send = () => {
    toSend--;
    open++;
    outbox.push(message);
  };
  sink.onTaken = (count) => {
    open -= count;
    while (toSend > 0 && open < inFlight) send();
    if (open <= 0) resolve();
  };
  while (toSend > 0 && open < inFlight) send();
  return promise;
}

const policies: Record<string, (() => Batching) | undefined> = {
  off: undefined,
  fixed: () => new FixedBatching(BATCHING.tcp),
  adaptive: () => new AdaptiveBatching(BATCHING.tcp),
};

/** One outbox for each policy through all loads: what a policy learns from a quiet time must not spoil a busy one. */
const lines = Object.entries(policies).map(([name, batching]) => {
  const sink = new AnsweringSink();
  const streams = framed(source, sink, codec, { bufferBytesMax: 1024 * 1024 });
  const connection: Connection = {
    kind: "connection",
    readable: streams.readable,
    writable: streams.writable,
    peer: { transport: "bench", address: "sink" },
    closed: streams.ended,
    abort() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { name, sink, outbox: new Outbox(connection, { batching }) };
});

for (const inFlight of [1, 100, 1000]) {
  for (const { name, sink, outbox } of lines) {
    const messages = name === "fixed" && inFlight === 1 ? 10 : 50 * inFlight;
    Deno.bench({
      name: `${name}, ${inFlight} in flight, ${messages} messages`,
      group: `${inFlight} in flight`,
      baseline: name === "off",
      // Declared async: Deno.bench does not wait for a promise that another function returns.
      async fn() {
        const before = sink.messagesTaken;
        await exchange(outbox, sink, inFlight, messages);
        const taken = sink.messagesTaken - before;
        if (taken !== messages) throw new Error(`Cannot measure: ${taken} of ${messages} arrived`);
      },
    });
  }
}
