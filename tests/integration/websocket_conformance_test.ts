/**
 * RFC 6455 and 7692 with raw frames, by an outside script: `SLUICE_TEST_WSCONF` names it. It takes the URL of an echo,
 * prints one line per failed case and the count of both kinds at the end.
 */
import assert from "node:assert/strict";
import { webSocketEcho } from "../fixtures/websocket_echo.ts";

const SCRIPT = Deno.env.get("SLUICE_TEST_WSCONF");
/** RFC 6455 allows either: text that is not UTF-8 is refused when the message is whole, not at its first bad byte. */
const SOFT = "FAIL(soft) ";
const SCRIPT_MS = 240_000;

Deno.test({
  name: "the WebSocket stack passes the outside conformance cases",
  ignore: SCRIPT === undefined,
  fn: async () => {
    await using echo = await webSocketEcho();
    const cases = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", "--no-config", SCRIPT!, echo.url.href],
      stdin: "null",
      signal: AbortSignal.timeout(SCRIPT_MS),
    });
    const text = new TextDecoder().decode((await cases.output()).stdout);
    const failed = text.split("\n").filter((line) => line.startsWith("FAIL"));
    assert.deepEqual(failed.filter((line) => !line.startsWith(SOFT)), [], text);
    assert.match(text, /wsconf \d+ pass \d fail of 94/);
  },
});
