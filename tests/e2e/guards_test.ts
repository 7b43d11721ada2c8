import assert from "node:assert/strict";
import { AuthorizationServer } from "../fixtures/authorization_server.ts";
import { HostileServer } from "../fixtures/hostile_server.ts";
import { startServe } from "../fixtures/sluice.ts";
import { testCompiled } from "./compiled.ts";

const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "t", version: "1" },
};

/** What is loaded only where the configuration wants it: verification of tokens, checks of arguments. */
testCompiled("it verifies tokens of an issuer, and checks arguments", async () => {
  await using issuer = await AuthorizationServer.start();
  const properties = { a: { type: "string", pattern: "^a+$" } };
  const inputSchema = { type: "object", properties, required: ["a"] };
  await using server = await HostileServer.start({ tools: [{ name: "x", inputSchema }] });
  const folder = await Deno.makeTempDir();
  const config = `${folder}/gateway.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      sluice: {
        listen: ["http://127.0.0.1:0"],
        upstreams: { server: { url: server.url } },
        auth: {
          publicUrl: "https://gateway.test",
          issuers: { test: { issuer: issuer.issuer } },
        },
        access: { rules: { all: { principals: ["*"] } } },
        threats: { mode: "deny" },
        validation: { arguments: "deny" },
      },
    }),
  );
  {
    await using serve = await startServe(undefined, {
      flags: ["--config", config],
      listen: "configured",
    });
    let id: string | undefined;
    const ask = async (token: string, method: string, params: unknown) => {
      const answer = await fetch(serve.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          authorization: `Bearer ${token}`,
          ...id !== undefined && { "mcp-session-id": id },
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      id ??= answer.headers.get("mcp-session-id") ?? undefined;
      return { status: answer.status, text: await answer.text() };
    };
    const token = await issuer.token();
    assert.equal((await ask(await issuer.token({ exp: 1 }), "initialize", HELLO)).status, 401);
    assert.equal((await ask(token, "initialize", HELLO)).status, 200);
    const call = (a: string) => ask(token, "tools/call", { name: "x", arguments: { a } });
    assert.match((await call("aaa")).text, /"called"/);
    assert.match((await call("abc")).text, /"isError":true/);
  }
  await Deno.remove(folder, { recursive: true });
});
