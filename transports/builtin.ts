/**
 * Transport `builtin`: dials the demo server inside this process. The server SDK is loaded with the
 * first connection.
 *
 * @module
 */
import type { JSONRPCMessage, Transport as SdkTransport } from "@modelcontextprotocol/server";
import type { Connection, Transport } from "../lib/core/connection.ts";
import { reasonOf, TransportError } from "../lib/core/errors.ts";
import { Message } from "../lib/core/message.ts";
import { Outbox } from "../lib/core/outbox.ts";
import { memoryPair } from "./memory.ts";

/** Makes the transport; `version` is what the demo server says of itself. */
export function builtinTransport(version: string): Transport {
  return {
    name: "builtin",
    async dial(_endpoint, signal) {
      signal.throwIfAborted();
      const { createDemoServer } = await import("./demo_server.ts");
      const [ours, theirs] = memoryPair();
      await createDemoServer(version).connect(new MemoryServerTransport(theirs));
      return ours;
    },
    listen() {
      return Promise.reject(new TransportError("Cannot listen on builtin: it can only be dialled"));
    },
  };
}

/** The SDK's transport interface over one of our connections. */
class MemoryServerTransport implements SdkTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #connection: Connection;
  readonly #outbox: Outbox;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#outbox = new Outbox(connection);
  }

  start(): Promise<void> {
    void this.#read();
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#outbox.push(Message.from(new TextEncoder().encode(JSON.stringify(message))));
    return this.#outbox.ready();
  }

  async close(): Promise<void> {
    await this.#outbox.close();
    await this.#connection[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    try {
      for await (const batch of this.#connection.readable) {
        for (const message of batch) this.onmessage?.(message.json());
      }
    } catch (error) {
      this.onerror?.(new Error(reasonOf(error)));
    }
    await this.close();
    this.onclose?.();
  }
}
