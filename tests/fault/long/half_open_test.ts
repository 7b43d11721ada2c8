import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../../fixtures/child_wait.ts";
import { figures } from "../../fixtures/figures.ts";
import type { HalfOpenResult } from "../../fixtures/half_open_scene.ts";

const SCENE = fileURLToPath(new URL("../../fixtures/half_open_scene.ts", import.meta.url));
const UNSHARE = ["--map-root-user", "--net"];

/** Whether this machine lets anybody make network namespaces, and has the tools. */
function hasNamespaces(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const script =
      "ip link set lo up && ip link add a type veth peer name b && ss -V && nsenter -V";
    const { success } = new Deno.Command("unshare", { args: [...UNSHARE, "sh", "-c", script] })
      .outputSync();
    return success;
  } catch {
    return false; // no such program
  }
}

for (const scheme of ["http", "ws"] as const) {
  Deno.test({
    name:
      `serve loses no more calls than it has connections when a wire is cut silently (${scheme})`,
    ignore: !hasNamespaces(),
    async fn() {
      const child = new Deno.Command("unshare", {
        args: [...UNSHARE, Deno.execPath(), "run", "-A", "--quiet", SCENE, scheme],
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      });
      const { success, stdout } = await bounded(child.output(), "the scene", 240_000);
      assert.ok(success);
      const result: HalfOpenResult = JSON.parse(new TextDecoder().decode(stdout));
      const slowestMs = Math.max(...result.dead.map(({ tookMs }) => tookMs));
      const kinds = [...new Set(result.after)];
      figures(`A4, ${scheme}`, { ...result, dead: result.dead.length, slowestMs, after: kinds });
      for (const { end } of result.dead) assert.equal(end, "-31002 200");
      assert.ok(slowestMs <= 3 * 5_000);
      assert.equal(result.connections, result.dead.length);
      // Refusals of the breaker, which had to open; and what went into a connection not yet known to be dead.
      const sent = result.after.filter((end) => !end.startsWith("-31003"));
      assert.ok(result.dead.length + sent.length <= 2 * result.connections, `${sent}`);
      assert.deepEqual([result.left, result.repeated], [0, 0]);
      assert.ok(result.goneMs <= 3 * 30_000);
    },
  });
}
