/**
 * What every way into the gateway must do with what it is sent.
 *
 * @module
 */
import assert from "node:assert/strict";
import { RPC_CASES, type RpcCase } from "./rpc_cases.ts";

/** What came back. */
export interface RpcAnswer {
  /** The message as text; absent when nothing is answered. */
  readonly text?: string;
  /** Where there is one. */
  readonly status?: number;
}

/** A client with a session behind it. Dispose it to end both. */
export interface RpcClient extends AsyncDisposable {
  /**
   * Sends bytes as one message and gives the answer. Where nothing is answered it must make sure of that: by a
   * later message that is answered next.
   */
  send(bytes: Uint8Array<ArrayBuffer>): Promise<RpcAnswer>;
}

/** Registers the contract for one transport: all on one connection, which must stay usable. */
export function rpcContract(
  name: string,
  open: () => Promise<RpcClient>,
  cases: readonly RpcCase[] = RPC_CASES,
): void {
  Deno.test(`${name} answers or refuses`, async (t) => {
    await using client = await open();
    for (const rpcCase of cases) {
      await t.step(rpcCase.name, async () => check(rpcCase, await client.send(rpcCase.bytes)));
    }
  });
}

function check(expected: RpcCase, { text, status }: RpcAnswer): void {
  if (status !== undefined) assert.equal(status, expected.status, text);
  if (expected.status === 202) return assert.equal(text, undefined);
  assert.ok(text !== undefined, "nothing was answered");
  const message = JSON.parse(text);
  assert.equal(message.jsonrpc, "2.0");
  assert.equal(message.error?.code, expected.code, text);
  if (expected.id !== undefined) assert.equal(idOf(text), expected.id);
  if (expected.forwarded === undefined) return;
  const received: string = message.result.content[0].text;
  assert.ok(received.includes(expected.forwarded), received.slice(0, 200));
}

/** Raw text of an id near the front. */
function idOf(text: string): string | undefined {
  return /"id"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)/.exec(text)?.[1];
}
