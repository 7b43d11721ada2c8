/**
 * What every {@link Connection} must do, whatever carries it. Each transport's test runs it against a
 * peer that echoes all messages.
 *
 * @module
 */
import assert from "node:assert/strict";
import { request } from "../../lib/core/compose.ts";
import type { Batch, Connection } from "../../lib/core/connection.ts";
import { GatewayError, TransportError } from "../../lib/core/errors.ts";
import type { Message } from "../../lib/core/message.ts";
import { bounded } from "../fixtures/child_wait.ts";

/** A connection whose peer sends back each message, and ends when the connection does. */
export interface EchoedConnection extends AsyncDisposable {
  readonly connection: Connection;
  /** Settles when the peer has seen the end. */
  readonly peerEnded: Promise<unknown>;
}

/**
 * Registers the contract for one transport.
 *
 * @param name of the transport
 * @param open makes a connection to an echoing peer whose `bufferBytesMax` is as given
 */
export function connectionContract(
  name: string,
  open: (bufferBytesMax: number) => Promise<EchoedConnection>,
): void {
  for (const [title, check] of Object.entries(CLAUSES)) {
    Deno.test(`${name} connection ${title}`, async () => {
      await using echo = await open(BUFFER_BYTES_MAX);
      await bounded(check(echo), title);
    });
  }
}

const BUFFER_BYTES_MAX = 64 * 1024;

const CLAUSES: Readonly<Record<string, (echo: EchoedConnection) => Promise<void>>> = {
  "carries messages both ways in order": async ({ connection }) => {
    const writer = connection.writable.getWriter();
    const sent = Array.from({ length: 20 }, (_, i) => request(i, "ping", { text: "é\n\r\u2028" }));
    const received = take(connection, sent.length);
    for (const message of sent) await writer.write([message]);
    assert.deepEqual((await received).map(text), sent.map(text));
  },

  "carries a message of 1 MiB": async ({ connection }) => {
    const message = request("big", "tools/call", { text: "x".repeat(1024 * 1024) });
    const received = take(connection, 1);
    await connection.writable.getWriter().write([message]);
    assert.deepEqual((await received)[0].bytes, message.bytes);
  },

  "carries 20,000 messages in batches": async ({ connection }) => {
    const writer = connection.writable.getWriter();
    const count = 20_000, batchSize = 100;
    const received = take(connection, count);
    for (let i = 0; i < count; i += batchSize) {
      await writer.write(Array.from({ length: batchSize }, (_, k) => request(i + k, "ping")));
    }
    const ids = (await received).map((message) => Number(new TextDecoder().decode(message.id)));
    assert.deepEqual(ids, Array.from({ length: count }, (_, i) => i));
  },

  "holds its writer back while its reader rests": async ({ connection }) => {
    const writer = connection.writable.getWriter();
    assert.equal(writer.desiredSize, BUFFER_BYTES_MAX);
    const message = request(1, "ping", { text: "x".repeat(32 * 1024) });
    const writes: Promise<void>[] = [];
    let queuedBytes = 0;
    // Pipes and sockets take some; 64 MiB would mean that nothing ever holds the writer back.
    while (queuedBytes < 64 * 1024 * 1024 && !(await isStuck(writer))) {
      do {
        writes.push(writer.write([message]));
        queuedBytes += message.bytes.length;
      } while (writer.desiredSize! > 0);
    }
    assert.ok(queuedBytes < 64 * 1024 * 1024, `took ${queuedBytes} bytes`);
    assert.ok(writer.desiredSize! <= 0);
    const received = take(connection, writes.length);
    await writer.ready;
    assert.ok(writer.desiredSize! > 0);
    await Promise.all(writes);
    await received;
    assert.equal(writer.desiredSize, BUFFER_BYTES_MAX);
  },

  "ends in order when it closes its writable": async ({ connection, peerEnded }) => {
    const writer = connection.writable.getWriter();
    const received = collect(connection.readable);
    await writer.write([request(1, "ping"), request(2, "ping")]);
    await writer.close();
    assert.equal((await received).length, 2);
    await connection.closed;
    await peerEnded;
  },

  "writes out what it was given before it is disposed": async (echo) => {
    const { connection, peerEnded } = echo;
    const reader = connection.readable.getReader();
    const writing = connection.writable.getWriter().write([request(1, "ping")]);
    await Promise.all([writing, connection[Symbol.asyncDispose]()]);
    await connection.closed;
    await peerEnded;
    for (let end = false; !end;) end = (await reader.read()).done;
    await connection[Symbol.asyncDispose]();
  },

  "refuses writes once it is disposed": async ({ connection }) => {
    await connection[Symbol.asyncDispose]();
    await assert.rejects(connection.writable.getWriter().write([request(1, "ping")]));
    assert.equal((await connection.readable.getReader().read()).done, true);
  },

  "takes the abort of its writer while nobody reads": async ({ connection }) => {
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {}); // asserted through abort()
    const message = request(1, "ping", { text: "x".repeat(1024 * 1024) });
    const writes = Array.from({ length: 8 }, () => writer.write([message]).catch(() => {}));
    await writer.abort(new Error("enough"));
    await Promise.all(writes);
  },

  "breaks both sides when it is aborted": async ({ connection, peerEnded }) => {
    const reader = connection.readable.getReader();
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {}); // asserted through a write below
    await writer.write([request(1, "ping")]);
    await reader.read();
    const reading = assert.rejects(reader.read(), TransportError);
    connection.abort(new GatewayError("Overloaded", "Cannot keep up"));
    await reading;
    await assert.rejects(writer.write([request(2, "ping")]), TransportError);
    await assert.rejects(connection.closed, /Cannot keep up/);
    await peerEnded;
    connection.abort(new GatewayError("Overloaded", "Cannot keep up"));
    await connection[Symbol.asyncDispose]();
  },
};

/** Whether the writer is still full after the event loop has gone round many times. */
async function isStuck(writer: WritableStreamDefaultWriter<Batch>): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) {
    if (writer.desiredSize! > 0) return false;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return true;
}

async function take(connection: Connection, count: number): Promise<Message[]> {
  const reader = connection.readable.getReader();
  const messages: Message[] = [];
  while (messages.length < count) {
    const { done, value } = await reader.read();
    if (done) {
      throw new Error(`Cannot take ${count} messages: the end came after ${messages.length}`);
    }
    messages.push(...value);
  }
  reader.releaseLock();
  return messages;
}

async function collect(readable: ReadableStream<Batch>): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const batch of readable) messages.push(...batch);
  return messages;
}

function text(message: Message): string {
  return new TextDecoder().decode(message.bytes);
}
