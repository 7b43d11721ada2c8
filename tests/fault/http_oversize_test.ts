import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../fixtures/child_wait.ts";
import { RawClient } from "../fixtures/http_raw.ts";

const SERVER = fileURLToPath(new URL("../fixtures/http_echo_process.ts", import.meta.url));
const HEAD = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const MIB = 1024 * 1024;

/** Most memory that a process has used, bytes. */
function peakBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) * 1024;
}

/** Sends chunks until the server has answered. Returns the status. */
async function flood(port: number): Promise<number> {
  const client = new RawClient(port);
  client.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  let isAnswered = false;
  const answered = client.until(/^HTTP\/1.1 (\d+) /).finally(() => isAnswered = true);
  for (let sent = 0; sent < 1000 && !isAnswered; sent++) {
    client.write(chunk);
    await Promise.race([answered, client.drained()]);
    await new Promise((resolve) => setTimeout(resolve, 0)); // lets the others read and write
  }
  const [, status] = await answered;
  await client.close();
  return Number(status);
}

Deno.test({
  name: "fifty bodies without an end at once cost little more memory than one",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SERVER, "http://127.0.0.1:0"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      const port = Number(new TextDecoder().decode((await bounded(reader.read(), "port")).value));
      assert.equal(await bounded(flood(port), "one"), 413); // also loads everything that is needed
      const before = peakBytes(child.pid);
      const statuses = await bounded(
        Promise.all(Array.from({ length: 50 }, () => flood(port))),
        "fifty",
      );
      assert.deepEqual([...new Set(statuses)], [413]);
      const growth = peakBytes(child.pid) - before;
      // A bare node:http server that throws all of it away grows by 110 MiB: read buffers of 64 KiB wait for the
      // collector (Deno 2.9.6). The fifty bodies are 200 MiB more.
      assert.ok(growth < 200 * MIB, `${Math.round(growth / MIB)} MiB more`);
    } finally {
      await reader.cancel();
      await child.stdin.close();
      assert.equal((await child.status).code, 0);
    }
  },
});
