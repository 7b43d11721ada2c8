import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess } from "../fixtures/gateway_process.ts";

const VERSION = "2026-07-28", PREFIX = "io.modelcontextprotocol/";
const HEADERS = {
  "mcp-protocol-version": VERSION,
  "mcp-method": "tools/call",
  "mcp-name": "echo",
};

Deno.test({
  name:
    "serve counts every restart of the processes of clients without sessions, those that may be asked included",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({ command: ledger.command });
    using client = new GatewayClient(gateway.url);
    const call = async (args: object, clientCapabilities: object) => {
      const clientInfo = { name: "client", version: "1" };
      const facts = { protocolVersion: VERSION, clientCapabilities, clientInfo };
      const own = Object.entries(facts).map(([key, fact]) => [PREFIX + key, fact]);
      const params = { name: "echo", arguments: args, _meta: Object.fromEntries(own) };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
      return (await bounded(client.post(body, HEADERS), "an answer")).messages.at(-1);
    };
    let restarts = 0;
    for (const capabilities of [{}, { elicitation: {} }]) { // the second has a process to itself
      for (let i = 0; i < 3; i++) {
        const nonce = `${restarts}`;
        const { error } = await call({ nonce: `abort-${nonce}`, fault: "abort" }, capabilities);
        assert.deepEqual([error.code, error.data.outcome], [-31001, "unknown"]);
        const { result } = await call({ nonce }, capabilities);
        assert.equal(JSON.parse(result.content[0].text).nonce, nonce);
        restarts++;
        assert.equal(await gateway.metric("sluice_upstream_restarts_total"), restarts);
      }
    }
    assert.deepEqual(ledger.repeated(), []);
  },
});
