import assert from "node:assert/strict";
import { audiencesOf, ResourceServer } from "../../../lib/auth/resource_server.ts";
import { requestWith } from "./requests.ts";

const ISSUERS = ["https://issuer.test"];

function server(publicUrl: string, authorizationServers: readonly string[] = ISSUERS) {
  return new ResourceServer({ publicUrl, isSecure: false, authorizationServers, scopes: [] });
}

Deno.test("metadata() says whom tokens must be for, and who gives them (RFC 9728)", () => {
  const { metadataPaths } = server("https://gateway.test");
  assert.deepEqual([...metadataPaths], [
    ["/.well-known/oauth-protected-resource", "/mcp"],
    ["/.well-known/oauth-protected-resource/mcp", "/mcp"],
    ["/.well-known/oauth-protected-resource/mcp/sse", "/mcp/sse"],
    ["/.well-known/oauth-protected-resource/mcp/ws", "/mcp/ws"],
  ]);
  assert.deepEqual(server("https://gateway.test").metadata("/mcp", "evil.example"), {
    resource: "https://gateway.test/mcp",
    authorization_servers: ISSUERS,
    bearer_methods_supported: ["header"],
    resource_name: "Sluice",
  });
});

Deno.test("metadata() of a gateway below a path stand before that path", () => {
  const below = server("https://gateway.test/tools");
  assert.equal(below.metadataPaths.get("/.well-known/oauth-protected-resource/tools/mcp"), "/mcp");
  const challenge = below.challenge(requestWith({}, { transport: "sse" }));
  assert.equal(
    challenge["www-authenticate"],
    'Bearer resource_metadata="https://gateway.test/.well-known/oauth-protected-resource/tools/mcp/sse"',
  );
});

Deno.test("challenge() names the host that was asked for where there is no public URL", () => {
  const request = requestWith({ host: "localhost:8080" });
  assert.match(
    server("").challenge(request)["www-authenticate"],
    /resource_metadata="http:\/\/localhost:8080\/\.well-known\//,
  );
});

Deno.test("challenge() names all scopes, and nothing can break out of its quotes", () => {
  const { "www-authenticate": text } = server("https://gateway.test").challenge(requestWith(), {
    error: "insufficient_scope",
    scopes: ["a", "b"],
    description: 'x", realm="y\r\nz\u00e9',
  });
  assert.match(
    text,
    /^Bearer error="insufficient_scope", error_description="x\?, realm=\?y\?\?z\?", /,
  );
  assert.match(text, /scope="a b"/);
});

Deno.test("challenge() does not point to servers where only keys are taken", () => {
  const keysOnly = server("", []);
  assert.equal(keysOnly.metadataPaths.size, 0);
  assert.equal(keysOnly.challenge(requestWith())["www-authenticate"], 'Bearer realm="sluice"');
});

Deno.test("audiencesOf() are the endpoints of the public URL and nothing else", () => {
  assert.deepEqual(audiencesOf("https://g.test").filter((one) => !one.endsWith("/")), [
    "https://g.test",
    "https://g.test/mcp",
    "https://g.test/mcp/sse",
    "https://g.test/mcp/ws",
  ]);
  assert.deepEqual(audiencesOf(""), []);
});
