// Frames alone, and round trips through a connection on loopback (100 of them an iteration).
import { request } from "../lib/core/compose.ts";
import type { Connection } from "../lib/core/connection.ts";
import { dialWebSocket } from "../transports/websocket/client.ts";
import { JSON_TEXT } from "../transports/websocket/format.ts";
import { serverFrames } from "../transports/websocket/server_frames.ts";
import { WebSocketTransport } from "../transports/websocket/transport.ts";

const message = request(1, "tools/call", {
  name: "echo",
  arguments: { message: "x".repeat(70) },
});

for (const size of [1, 10, 100]) {
  const payloads = Array.from({ length: size }, () => message.bytes);
  Deno.bench(`serverFrames ${size}`, { group: "frames" }, () => {
    serverFrames(payloads, false);
  });
}

Deno.bench("decode", { group: "frames" }, () => {
  JSON_TEXT.decode(message.bytes);
});

const { signal } = new AbortController();
for (const size of [1, 10, 100]) {
  const batch = Array.from({ length: size }, () => message);
  Deno.bench(`round trip of ${size}`, { group: "round trip" }, async (b) => {
    const transport = new WebSocketTransport();
    const listener = await transport.listen({ url: new URL("ws://127.0.0.1:0") }, signal);
    const accepting = accept(listener);
    const connection = await dialWebSocket({ url: listener.url }, signal);
    const reader = connection.readable.getReader();
    const writer = connection.writable.getWriter();
    b.start();
    for (let round = 0; round < ROUNDS; round++) {
      writer.write(batch);
      for (let count = 0; count < size;) count += (await reader.read()).value!.length;
    }
    b.end();
    await connection[Symbol.asyncDispose]();
    await (await accepting)[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
  });
}

/** One iteration is so many round trips: opening a connection costs more than one. */
const ROUNDS = 100;

async function accept(listener: AsyncIterable<Connection>): Promise<Connection> {
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {}); // ends with the connection
    return connection;
  }
  throw new Error("Cannot accept: the listener ended");
}
