import assert from "node:assert/strict";
import { travelToEverything } from "../contract/everything_journey.ts";
import { connectModernClient, type Mode } from "../contract/modern_client.ts";
import { travelToReference } from "../contract/reference_journey.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { referenceServer } from "../fixtures/reference/process.ts";
import { sluice } from "../fixtures/sluice.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";
import { type OpenDoor, WAYS } from "../fixtures/ways.ts";

const ERA_OF = { auto: "modern", modern: "modern", legacy: "legacy" } as const;

for (const way of WAYS) {
  for (const mode of ["auto", "modern", "legacy"] as const) {
    Deno.test(
      `client 2.4.0, mode ${mode}, uses all of server-everything: ${way.name}`,
      (t) => travelToEverything(way, mode, ERA_OF[mode], t),
    );
  }
}

/** What the server speaks, how the client finds out, and what it comes to speak. */
const PAIRS: readonly (readonly [string | undefined, Mode, "legacy" | "modern"])[] = [
  [undefined, "auto", "modern"],
  ["modern", "auto", "modern"],
  ["modern", "legacy", "legacy"],
  ["legacy", "auto", "modern"],
  ["legacy", "modern", "modern"],
];

for (const way of WAYS) {
  for (const [era, mode, expected] of PAIRS) {
    const connect = (door: OpenDoor, isAskable: boolean) =>
      connectModernClient(door, { mode, isAskable });
    Deno.test(
      `client 2.4.0, mode ${mode}, uses a server of ${era ?? "both"} era(s): ${way.name}`,
      (t) => travelToReference(way, era, connect, expected, t),
    );
  }
}

Deno.test("sluice proxy answers server/discover itself when the server stays silent", async () => {
  await using peer = startStdioPeer(sluice("proxy", "--", "sh", "-c", "cat >/dev/null"));
  const { error } = await peer.request("server/discover", {});
  assert.equal(error?.code, -32601);
});

Deno.test("sluice proxy ends with its input while a client listens", async () => {
  const { program, args } = referenceServer("modern");
  await using peer = startStdioPeer(sluice("proxy", "--", program, ...args));
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const params = { _meta, notifications: { toolsListChanged: true } };
  const listen = { jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params };
  await peer.sendLine(JSON.stringify(listen));
  assert.match(await peer.nextLine(), /subscriptions\/acknowledged/);
  await peer.closeInput();
  assert.equal((await bounded(peer.status, "the end of sluice proxy")).code, 0);
});
