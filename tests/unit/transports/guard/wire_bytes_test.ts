import assert from "node:assert/strict";
import { ConnectionLimits } from "../../../../transports/guard/connection_limits.ts";
import { WireBytes } from "../../../../transports/guard/wire_bytes.ts";

Deno.test("WireBytes adds up what sockets have counted, open and closed", () => {
  const wire = new WireBytes();
  const limits = new ConnectionLimits({
    connectionsMax: 10,
    connectionsPerAddressMax: 10,
    wire,
  });
  const one = { bytesRead: 1, bytesWritten: 10 }, two = { bytesRead: 2, bytesWritten: 20 };
  const closeOne = limits.admit("127.0.0.1", "tcp", one);
  limits.admit("127.0.0.1", "tcp", two);
  limits.admit("127.0.0.1", "http", { bytesRead: 5, bytesWritten: 6 });
  limits.admit("127.0.0.1"); // counted elsewhere
  one.bytesRead = 100;
  assert.deepEqual(wire.totals().get("tcp"), { in: 102, out: 30 });
  closeOne!();
  two.bytesWritten = 21;
  assert.deepEqual(wire.totals().get("tcp"), { in: 102, out: 31 });
  assert.deepEqual(wire.totals().get("http"), { in: 5, out: 6 });
});

Deno.test("totals() counts very many sockets anew after 10 s only", () => {
  const wire = new WireBytes();
  const sockets = Array.from({ length: 1_001 }, () => ({ bytesRead: 1, bytesWritten: 2 }));
  for (const socket of sockets) wire.watch("tcp", socket);
  assert.deepEqual(wire.totals(0).get("tcp"), { in: 1_001, out: 2_002 });
  sockets[0].bytesRead = 100;
  assert.equal(wire.totals(9_999).get("tcp")!.in, 1_001);
  assert.equal(wire.totals(10_000).get("tcp")!.in, 1_100);
});
