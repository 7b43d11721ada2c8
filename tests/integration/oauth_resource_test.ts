import assert from "node:assert/strict";
import {
  Client,
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { AuthorizationServer } from "../fixtures/authorization_server.ts";
import { freePort } from "../fixtures/free_port.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";

Deno.test("the SDK's client finds the authorization server, gets a token for us, and steps up", async () => {
  await using server = await AuthorizationServer.start();
  const publicUrl = `http://127.0.0.1:${await freePort()}`;
  await using gateway = await GuardedGateway.start({
    listen: [publicUrl],
    auth: {
      publicUrl,
      scopes: ["tools:read"],
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
    access: {
      rules: {
        reading: { tools: ["echo"], scopes: ["tools:read"] },
        adding: { tools: ["add"], scopes: ["tools:read", "tools:add"] },
      },
    },
  });
  const authProvider = new ClientCredentialsProvider({
    clientId: "test",
    clientSecret: "secret",
    expectedIssuer: server.issuer,
  });
  const transport = new StreamableHTTPClientTransport(gateway.url(), { authProvider });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const resource = `${publicUrl}/mcp`;
  assert.deepEqual(server.granted, [{ resource, scope: "tools:read" }]);
  assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), ["echo"]);
  const sum = await client.callTool({ name: "add", arguments: { a: 1, b: 2 } });
  assert.deepEqual(sum.structuredContent, { sum: 3 });
  assert.equal(server.granted.length, 2, "it asked once more, for all scopes at once");
  const scopes = server.granted[1].scope.split(" ").toSorted();
  assert.deepEqual(scopes, ["tools:add", "tools:read"]);
  assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), ["echo", "add"]);
  await client.close();
});
