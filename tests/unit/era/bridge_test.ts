/**
 * Both bridges over real links, with scripted clients and servers: what stands on the wire.
 *
 * @module
 */
import assert from "node:assert/strict";
import { failure, notification, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import { memoryGateway, type Peer } from "../../fixtures/memory_gateway.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const id = ({ id }: Message) => new TextDecoder().decode(id);
const ARGUMENTS = '"arguments":{"n":9007199254740993,"f":1.0,"\\u0061":"\\u00e9","e":1E2}';
const DISCOVERED = { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: {} };
const able = { capabilities: { elicitation: {} } };

/** Plays a server with a handshake up to where it is initialized. */
async function initialized(server: Peer, expectProbe = true): Promise<void> {
  if (expectProbe) {
    const probe = (await server.next())!;
    server.send(failure(probe.id, new GatewayError("MethodNotFound", "no")));
  }
  const initialize = (await server.next())!;
  assert.equal(initialize.method, "initialize");
  server.send(
    result(initialize.id!, {
      protocolVersion: "2025-11-25",
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "s", version: "1" },
    }),
  );
  assert.equal((await server.next())!.method, "notifications/initialized");
}

/** A client with a handshake on a server without. */
async function bridged(gateway: ReturnType<typeof memoryGateway>): Promise<[Peer, Peer]> {
  const client = gateway.connect();
  const answer = client.initialize();
  const server = await gateway.server(0);
  const discover = (await server.next())!;
  assert.equal(discover.method, "server/discover");
  server.send(result(discover.id!, DISCOVERED));
  assert.equal((await answer).json().result.protocolVersion, "2025-11-25");
  return [client, server];
}

Deno.test("a posted call on a server with a handshake: bytes, cancellation by closing, the next call", async () => {
  await using gateway = memoryGateway({ era: "auto" });
  const posted = gateway.post(modern("9007199254740993", "tools/call", `"name":"é",${ARGUMENTS}`));
  const server = await gateway.server(0);
  await initialized(server);
  const got = (await server.next())!;
  assert.equal(
    text(got),
    `{"jsonrpc":"2.0","id":${id(got)},"method":"tools/call","params":{"name":"é",${ARGUMENTS}}}`,
  );
  posted.leave();
  const cancelled = (await server.next())!;
  assert.deepEqual([cancelled.method, cancelled.requestId], ["notifications/cancelled", got.id]);
  const next = gateway.post(modern("1", "tools/list"));
  const list = (await server.next())!;
  server.send(raw(`{"jsonrpc":"2.0","id":${id(list)},"result":{"tools":[ ]}}`));
  assert.match(text(await next.next())!, /^\{"jsonrpc":"2.0","id":1,"result":\{"tools":\[ \],/);
});

Deno.test("a posted call that is asked something: held, answered by a retry, over one connection", async () => {
  await using gateway = memoryGateway({ era: "legacy" });
  const params = `"name":"t",${ARGUMENTS}`;
  const first = gateway.post(modern("1", "tools/call", params, able));
  const lane = await gateway.server(0);
  await initialized(lane, false);
  const got = (await lane.next())!;
  lane.send(request("ask-é", "elicitation/create", { message: "?" }));
  const { requestState, inputRequests } = (await first.next())!.json().result;
  const [key] = Object.keys(inputRequests);
  const odd = '{"action":"accept","content":{"n":9007199254740993,"f":1.0}}';
  const second = gateway.post(
    modern(
      '"two"',
      "tools/call",
      `${params},"requestState":"${requestState}","inputResponses":{"${key}":${odd}}`,
      able,
    ),
  );
  assert.equal(text(await lane.next()), `{"jsonrpc":"2.0","id":"ask-é","result":${odd}}`);
  lane.send(result(got.id!, { content: [] }));
  assert.equal(id((await second.next())!), '"two"');
});

Deno.test("a server that dies while a call is held: the retry learns that the outcome is unknown", async () => {
  await using gateway = memoryGateway({ era: "legacy" });
  const first = gateway.post(modern("1", "tools/call", '"name":"t"', able));
  const lane = await gateway.server(0);
  await initialized(lane, false);
  await lane.next();
  lane.send(request(1, "elicitation/create", { message: "?" }));
  const { requestState } = (await first.next())!.json().result;
  await lane.close();
  const retried = `"name":"t","requestState":"${requestState}","inputResponses":{}`;
  let answer = (await gateway.post(modern("2", "tools/call", retried, able)).next())!.json();
  while (answer.result?.resultType === "input_required") { // the loss has not been noticed yet
    answer = (await gateway.post(modern("2", "tools/call", retried, able)).next())!.json();
  }
  assert.deepEqual([answer.error.code, answer.error.data], [-31001, { outcome: "unknown" }]);
});

Deno.test("a client with a handshake on a server without: bytes, cancellation, questions", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const [client, server] = await bridged(gateway);
  client.send(
    raw(
      `{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"é",${ARGUMENTS},"_meta":{"progressToken":"p"}}}`,
    ),
  );
  const got = (await server.next())!;
  assert.match(text(got)!, new RegExp(ARGUMENTS.replaceAll("\\", "\\\\")));
  server.send(
    notification("notifications/progress", { progressToken: 0, progress: 1 })
      .withProgressToken(got.progressToken!),
  );
  assert.equal((await client.next())!.json().params.progressToken, "p");
  const required = { resultType: "input_required", inputRequests: { k: { method: "roots/list" } } };
  server.send(raw(text(result(got.id!, required))!));
  const asked = (await client.next())!;
  assert.equal(asked.method, "roots/list");
  client.send(raw(`{"jsonrpc":"2.0","id":${id(asked)},"result":{"roots":[ ],"f":1.0}}`));
  const again = (await server.next())!;
  assert.notDeepEqual(again.id, got.id);
  assert.match(text(again)!, /"inputResponses":\{"k":\{"roots":\[ \],"f":1.0\}\}/);
  client.send(
    raw(
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"é"}}',
    ),
  );
  assert.equal(
    text(await server.next()),
    `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${
      id(again)
    },"reason":"é"}}`,
  );
});

Deno.test("a cancellation in the middle of a round takes the question back", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const [client, server] = await bridged(gateway);
  client.send(request("c", "tools/call", { name: "t" }));
  const got = (await server.next())!;
  const required = { resultType: "input_required", inputRequests: { k: { method: "roots/list" } } };
  server.send(raw(text(result(got.id!, required))!));
  const asked = (await client.next())!;
  client.send(notification("notifications/cancelled", { requestId: "c" }));
  const back = (await client.next())!;
  assert.deepEqual([back.method, back.requestId], ["notifications/cancelled", asked.id]);
  client.send(request("d", "ping"));
  assert.equal(id((await client.next())!), '"d"');
});

Deno.test("Claude Code's order: a probe that is answered, then the handshake, on one connection", async () => {
  await using gateway = memoryGateway({ era: "auto" });
  const client = gateway.connect();
  client.send(modern('"server-discover-probe-1"', "server/discover"));
  const first = await gateway.server(0);
  const probe = (await first.next())!;
  first.send(failure(probe.id, new GatewayError("MethodNotFound", "no")));
  const own = (await first.next())!;
  first.send(result(own.id!, { protocolVersion: "2025-11-25", capabilities: {} }));
  assert.deepEqual((await client.next())!.json().result.supportedVersions, ["2026-07-28"]);
  const answer = client.initialize("i");
  const [second] = await Promise.all([gateway.server(1), first.discard()]);
  const initialize = (await second.next())!;
  assert.equal(initialize.method, "initialize");
  second.send(result(initialize.id!, { protocolVersion: "2025-11-25", capabilities: {} }));
  assert.equal(id(await answer), '"i"');
  assert.equal((await second.next())!.method, "notifications/initialized");
});
