import assert from "node:assert/strict";
import { request } from "../../../../lib/core/compose.ts";
import { connectionContract } from "../../../contract/connection_contract.ts";
import { TestAuthority } from "../../../fixtures/certificates.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { echoed } from "../../../fixtures/socket_echo.ts";
import { tcp, tls, unix } from "../../../../transports/socket/transport.ts";

connectionContract("tcp", (bufferBytesMax) => echoed(tcp({ bufferBytesMax }), "tcp://127.0.0.1:0"));

connectionContract(
  "tcp with length framing",
  (bufferBytesMax) => echoed(tcp({ bufferBytesMax }), "tcp://127.0.0.1:0?framing=length"),
);

connectionContract("unix", async (bufferBytesMax) => {
  const folder = await Deno.makeTempDir();
  const echo = await echoed(unix({ bufferBytesMax }), `unix://${folder}/mcp.sock`);
  return {
    ...echo,
    async [Symbol.asyncDispose]() {
      await echo[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
});

connectionContract("tls", async (bufferBytesMax) => {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("server");
  const echo = await echoed(
    tls({ bufferBytesMax }),
    `tls://127.0.0.1:0?cert=${cert}&key=${key}`,
    ({ port }) => `tls://localhost:${port}?ca=${authority.ca}`,
  );
  return {
    ...echo,
    async [Symbol.asyncDispose]() {
      await echo[Symbol.asyncDispose]();
      await authority[Symbol.asyncDispose]();
    },
  };
});

Deno.test("tcp carries compressed frames between gateways", async () => {
  const url = "tcp://[::1]:0?framing=length&compress=auto";
  await using echo = await echoed(tcp(), url);
  const sent = request(1, "ping", { text: "x".repeat(100_000) });
  await echo.connection.writable.getWriter().write([sent]);
  const { value } = await bounded(echo.connection.readable.getReader().read(), "the echo");
  assert.deepEqual(value![0].bytes, sent.bytes);
});
