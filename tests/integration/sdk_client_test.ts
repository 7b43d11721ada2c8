import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { connectSdkClient } from "../contract/sdk_client.ts";
import { connectSdkTraveller } from "../contract/sdk_traveller.ts";
import { travelToReference } from "../contract/reference_journey.ts";
import { travel } from "../contract/sdk_journey.ts";
import { WAYS } from "../fixtures/ways.ts";

const PINGING_SERVER = {
  program: Deno.execPath(),
  args: [
    ...["run", "-A", "--quiet"],
    fileURLToPath(new URL("../contract/pinging_server.ts", import.meta.url)),
  ],
};

for (const way of WAYS) {
  Deno.test(`an SDK client uses all of server-everything: ${way.name}`, (t) => travel(way, t));

  Deno.test(
    `an SDK client uses a server that knows no handshake: ${way.name}`,
    (t) => travelToReference(way, "modern", connectSdkTraveller, "legacy", t),
  );

  Deno.test(`pings of client and server are answered: ${way.name}`, async () => {
    await using door = await way.open(PINGING_SERVER);
    await using sdk = await connectSdkClient(door);
    await sdk.client.ping();
    const { content } = await sdk.client.callTool({ name: "ping-client" });
    assert.deepEqual(content, [{ type: "text", text: "{}" }]);
  });
}
