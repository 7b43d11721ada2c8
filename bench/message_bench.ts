import { Message } from "../lib/core/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function call(bytes: number): Uint8Array {
  const head =
    '{"jsonrpc":"2.0","id":123456,"method":"tools/call","params":{"name":"echo","arguments":';
  const word = '{"path":"src/lib/core","line":42,"text":"The quick brown fox"},';
  const items = Math.max(1, Math.round((bytes - head.length - 20) / word.length));
  return encoder.encode(`${head}{"items":[${word.repeat(items).slice(0, -1)}]}}}`);
}

const id = encoder.encode("987654");
for (const [label, size] of [["150 B", 150], ["1 KB", 1000], ["10 KB", 10_000]] as const) {
  const bytes = call(size);
  const text = decoder.decode(bytes);
  const message = Message.from(bytes);
  if (message.problem) throw message.problem;

  Deno.bench(`envelope scan, ${label}`, { group: `read ${label}`, baseline: true }, () => {
    Message.from(bytes);
  });
  Deno.bench(`decode + JSON.parse, ${label}`, { group: `read ${label}` }, () => {
    JSON.parse(decoder.decode(bytes));
  });
  Deno.bench(`id splice, ${label}`, { group: `rewrite id ${label}`, baseline: true }, () => {
    message.withId(id);
  });
  Deno.bench(`JSON.parse + stringify + encode, ${label}`, { group: `rewrite id ${label}` }, () => {
    const value = JSON.parse(text);
    value.id = 987654;
    encoder.encode(JSON.stringify(value));
  });
}
