import { Message } from "../lib/core/message.ts";
import { encodeEvent, encodeIdLine, eventBody } from "../lib/framing/sse_encoding.ts";
import { SseDecoder } from "../lib/framing/sse_events.ts";

const encoder = new TextEncoder();

function messageOf(textBytes: number): Message {
  const params = { level: "info", data: "x".repeat(textBytes) };
  return Message.from(
    encoder.encode(JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params })),
  );
}

/** Events in one chunk: what a busy stream brings with one read. */
function chunkOf(message: Message, events: number): Uint8Array {
  const event = encodeEvent(message, "id-123456");
  const chunk = new Uint8Array(events * event.length);
  for (let i = 0; i < events; i++) chunk.set(event, i * event.length);
  return chunk;
}

for (const [name, textBytes] of [["150 B", 60], ["10 KB", 10_000], ["1 MB", 1_000_000]] as const) {
  const message = messageOf(textBytes);
  Deno.bench(`encodeEvent() ${name}`, () => {
    encodeEvent(message, "id-123456");
  });
  Deno.bench(`encodeIdLine() and eventBody() ${name}, one more stream of a fan-out`, () => {
    encodeIdLine("id-123456");
    eventBody(message);
  });
  const chunk = chunkOf(message, 1);
  Deno.bench(`SseDecoder, 1 event of ${name} in one chunk`, () => {
    new SseDecoder().push(chunk);
  });
}

const many = chunkOf(messageOf(60), 100);
const decoder = new SseDecoder();
Deno.bench("SseDecoder, 100 events of 150 B in one chunk", () => {
  decoder.push(many);
});

const large = chunkOf(messageOf(1_000_000), 1);
Deno.bench("SseDecoder, 1 event of 1 MB in chunks of 64 KB", () => {
  for (let at = 0; at < large.length; at += 65_536) decoder.push(large.subarray(at, at + 65_536));
});
