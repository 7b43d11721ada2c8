import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { bounded } from "../fixtures/child_wait.ts";
import { ProtectionScene } from "../fixtures/protection_scene.ts";
import { runSluice } from "../fixtures/sluice.ts";

const secretLine = (id: string) => `${id} ${randomBytes(32).toString("base64")}\n`;

const INPUT = [
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}',
  '{"jsonrpc":"2.0","method":"notifications/initialized"}',
  '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"message":"a secret word"}}}',
  "",
].join("\n");

/** Lets bytes through and keeps those of clients. */
async function wiretap(port: number) {
  const recorded: Uint8Array[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const onward = net.connect({ host: "127.0.0.1", port });
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk: Uint8Array) => recorded.push(chunk.slice()));
    onward.on("data", (chunk: Uint8Array) => recorded.push(chunk.slice()));
    client.pipe(onward).pipe(client);
  });
  const bound = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", bound.resolve);
  await bound.promise;
  return {
    port: (server.address() as net.AddressInfo).port,
    recorded,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/** What a listener says to bytes; resolves when it has closed the connection. */
async function answerTo(port: number, bytes: Uint8Array): Promise<number> {
  const socket = net.connect({ host: "127.0.0.1", port });
  let answered = 0;
  const closed = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("data", (chunk: Uint8Array) => answered += chunk.length);
  socket.on("close", () => closed.resolve());
  socket.write(bytes);
  await bounded(closed.promise, "the end of a connection");
  return answered;
}

Deno.test("proxy and serve talk sealed: nothing to read, nothing to play again, no way in without the key", async () => {
  await using scene = await ProtectionScene.start((folder) => {
    Deno.writeTextFileSync(`${folder}/keys`, secretLine("k1"), { mode: 0o600 });
    Deno.writeTextFileSync(`${folder}/wrong`, secretLine("k1"), { mode: 0o600 });
    return {
      listen: ["http://127.0.0.1:0", `tcp://127.0.0.1:0?framing=length&key=${folder}/keys`],
    };
  });
  const listener = Number(scene.tcp.port);
  await using tap = await wiretap(listener);
  const upstream = (port: number, keys: string) =>
    `tcp://127.0.0.1:${port}?framing=length&key=${scene.folder}/${keys}`;
  const { stdout } = await runSluice(["proxy", upstream(tap.port, "keys")], INPUT);
  assert.match(stdout, /a secret word/);
  const wire = tap.recorded.map((chunk) => new TextDecoder().decode(chunk)).join("");
  assert.match(wire, /"encrypted":".*"kid":"k1"/);
  assert.doesNotMatch(wire, /secret|initialize/);

  const fromClient = tap.recorded[0];
  assert.ok(await answerTo(listener, fromClient) < 1000, "a refusal at most");
  const violations = 'sluice_bad_messages_total{transport="tcp"}';
  assert.equal(await scene.metric(violations), 1);

  const refused = await runSluice(["proxy", upstream(listener, "wrong")], INPUT);
  assert.doesNotMatch(refused.stdout, /a secret word/);
  const plain = new TextEncoder().encode(INPUT).subarray(0, 200);
  const framed = new Uint8Array([0, 0, 0, plain.length, ...plain]);
  assert.equal(await answerTo(listener, framed), 0, "nothing is said in the clear");
});
