import fc from "fast-check";
import { bounded } from "../../../fixtures/child_wait.ts";
import { frame, Opcode, RawWebSocket } from "../../../fault/websocket_raw.ts";
import { echo, EchoListener } from "./echo_listener.ts";

/** Where to cut something, as shares of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

function cutAt(bytes: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = shares.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("a message is the same however it is cut into frames and segments", async () => {
  await using listener = await EchoListener.bind({ server: { frameBytesMax: 1 << 20 } }, echo);
  const socket = await RawWebSocket.open(listener.port);
  let sent = 0;
  const property = fc.asyncProperty(
    fc.string({ unit: "binary", maxLength: 300 }),
    cuts,
    cuts,
    fc.boolean(),
    fc.boolean(),
    async (content, frameCuts, segmentCuts, isBinary, withPings) => {
      const params = { id: sent++, content };
      const text = JSON.stringify({ jsonrpc: "2.0", method: "x", params });
      const parts = cutAt(new TextEncoder().encode(text), frameCuts);
      const frames = parts.flatMap((part, i) => {
        const opcode = i > 0 ? Opcode.continuation : isBinary ? Opcode.binary : Opcode.text;
        const fragment = frame(opcode, part, { fin: i === parts.length - 1 });
        return withPings ? [fragment, frame(Opcode.ping, String(i))] : [fragment];
      });
      for (const segment of cutAt(joined(frames), segmentCuts)) {
        socket.send(segment);
        await new Promise((resolve) => setTimeout(resolve, 0)); // a segment of its own
      }
      const wanted = String.fromCharCode(...new TextEncoder().encode(text));
      const isEcho = (one: { opcode: number; payload: string }) =>
        one.opcode === Opcode.text && one.payload === wanted;
      await bounded(socket.until(isEcho), "the echo");
    },
  );
  await fc.assert(property, { numRuns: 60 });
  await socket.close();
});
