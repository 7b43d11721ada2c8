// Framing alone: what a batch costs to decode and encode, by size of the read.
import { request } from "../lib/core/compose.ts";
import { newline } from "../lib/framing/newline.ts";

const codec = newline({ messageBytesMax: 4 * 1024 * 1024 });
const message = request(123456, "tools/call", {
  name: "echo",
  arguments: { text: "x".repeat(60) },
});

for (const count of [1, 10, 400]) {
  const batch = Array.from({ length: count }, () => message);
  const chunk = codec.encode(batch);
  const decoder = codec.decoder();
  Deno.bench(`decode a read of ${count}`, { group: `${count}` }, () => {
    decoder.push(chunk);
  });
  Deno.bench(`encode a batch of ${count}`, { group: `${count}` }, () => {
    codec.encode(batch);
  });
}

const big = codec.encode([request(1, "ping", { text: "x".repeat(4_000_000) })]);
for (const pieceBytes of [1448, 65536]) {
  Deno.bench(`assemble 4 MB from pieces of ${pieceBytes} bytes`, { group: "big" }, () => {
    const decoder = codec.decoder();
    for (let at = 0; at < big.length; at += pieceBytes) {
      decoder.push(big.subarray(at, at + pieceBytes));
    }
  });
}
