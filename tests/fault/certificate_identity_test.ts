import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import tls from "node:tls";
import { bounded } from "../fixtures/child_wait.ts";
import { type CertificateFiles, TestAuthority } from "../fixtures/certificates.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";

/** A gateway that knows its clients by their certificates. */
async function scene() {
  const authority = await TestAuthority.create();
  const server = await authority.issue("server");
  const one = await authority.issue("one", { altNames: ["DNS:one.test"] });
  const other = await authority.issue("other", {
    altNames: ["DNS:other.test"],
    subject: "/CN=one",
  });
  const query = `?cert=${server.cert}&key=${server.key}&clientCa=${authority.ca}`;
  const gateway = await GuardedGateway.start({
    listen: [`tls://127.0.0.1:0${query}`, `https://127.0.0.1:0/${query}`],
    auth: { certificates: { one: { altName: "DNS:one.test" } } },
    access: { rules: { one: { principals: ["certificate:one"], tools: ["echo"] } } },
  });
  return {
    ...{ authority, gateway, one, other },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await authority[Symbol.asyncDispose]();
    },
  };
}

async function options(authority: TestAuthority, { cert, key }: CertificateFiles) {
  const [ca, ownCert, ownKey] = await Promise.all(
    [authority.ca, cert, key].map((path) => Deno.readTextFile(path)),
  );
  return { host: "127.0.0.1", servername: "localhost", ca, cert: ownCert, key: ownKey };
}

const INITIALIZE = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":' +
  '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}';

Deno.test("over TLS a certificate says who a client is, and what it may do", async () => {
  await using it = await scene();
  const port = Number(it.gateway.assembly.urls[0].port);
  const socket = tls.connect({ port, ...await options(it.authority, it.one) });
  const lines: string[] = [];
  let text = "";
  const three = Promise.withResolvers<void>();
  socket.on("data", (chunk) => {
    text += chunk;
    lines.push(...text.split("\n").slice(0, -1));
    text = text.split("\n").at(-1)!;
    if (lines.length >= 3) three.resolve();
  });
  socket.write([
    INITIALIZE,
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","id":2,"method":"tools/list"}',
    '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":1}}}\n',
  ].join("\n"));
  await bounded(three.promise, "three answers");
  const answers = new Map(lines.map((line) => JSON.parse(line)).map((one) => [one.id, one]));
  assert.deepEqual(answers.get(2).result.tools.map(({ name }: { name: string }) => name), ["echo"]);
  assert.equal(answers.get(3).error.code, -31009);
  socket.destroy();
});

Deno.test("over TLS a trusted certificate that is nobody's is not let in", async () => {
  await using it = await scene();
  const port = Number(it.gateway.assembly.urls[0].port);
  const socket = tls.connect({ port, ...await options(it.authority, it.other) });
  socket.on("error", () => {}); // "close" follows
  socket.write(`${INITIALIZE}\n`);
  let received = 0;
  socket.on("data", (chunk) => received += chunk.length);
  await bounded(once(socket, "close"), "the end of the connection");
  assert.equal(received, 0);
  const { gateway } = it;
  assert.equal(
    gateway.assembly.metrics.securityEvents.with({ type: "authentication_failed" }).value,
    1,
  );
});

Deno.test("over HTTPS the same certificates count, and no header stands for one", async () => {
  await using it = await scene();
  const port = Number(it.gateway.assembly.urls[1].port);
  const ask = async (files: CertificateFiles, headers = {}) => {
    const request = https.request({
      ...{ port, path: "/mcp", method: "POST", agent: false, ALPNProtocols: ["http/1.1"] },
      ...await options(it.authority, files),
      headers: {
        ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
        connection: "close",
        ...headers,
      },
    });
    request.end(INITIALIZE);
    const [response] = await bounded(once(request, "response"), "the answer");
    response.resume();
    await bounded(once(response, "close"), "its end");
    return response.statusCode;
  };
  assert.equal(await ask(it.one), 200);
  assert.equal(await ask(it.other), 401);
  const spoofed = {
    "x-ssl-client-s-dn": "CN=one",
    "x-client-cert": "one",
    "x-forwarded-user": "one",
  };
  assert.equal(await ask(it.other, spoofed), 401);
});
