import assert from "node:assert/strict";
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import { hasProgram } from "../../fixtures/programs.ts";
import { packaged } from "../../fixtures/packaged.ts";

const unit = packaged("systemd/sluice.service");

/** The values of a key, in order. */
function values(key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value);
}

Deno.test("the unit gives the gateway the time to drain, and tells only the gateway to", () => {
  assert.ok(Number(values("TimeoutStopSec")[0]) * 1000 > DEFAULTS.limits.drainMs);
  assert.deepEqual(values("KillMode"), ["mixed"]);
  assert.deepEqual(values("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
});

Deno.test("the unit checks the file that it serves", () => {
  const file = "--config /etc/sluice/sluice.json";
  assert.deepEqual(values("ExecStart"), [`/usr/local/bin/sluice serve ${file}`]);
  assert.deepEqual(values("ExecStartPre"), [`/usr/local/bin/sluice check ${file}`]);
});

Deno.test("the unit forbids what can be forbidden to a program that compiles", () => {
  assert.deepEqual(values("DynamicUser"), ["yes"]);
  assert.deepEqual(values("NoNewPrivileges"), ["yes"]);
  assert.deepEqual(values("ProtectSystem"), ["strict"]);
  assert.deepEqual(values("MemoryDenyWriteExecute"), [], "V8 writes code");
  assert.deepEqual(values("ProcSubset"), [], "the servers' processes are found in /proc");
});

const missing = !hasProgram("systemd-analyze");
if (missing) console.log("skipped: systemd-analyze is not installed");

Deno.test({
  name: "systemd takes the units as they stand",
  ignore: missing,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const file = `${folder}/sluice.service`;
      const here = unit.replaceAll("/usr/local/bin/sluice", Deno.execPath())
        .replace(/^Documentation=.*\n/m, ""); // looked for among the installed pages
      await Deno.writeTextFile(file, here);
      const socket = `${folder}/sluice.socket`;
      await Deno.writeTextFile(socket, packaged("systemd/sluice.socket"));
      const { code, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", "--man=no", file, socket],
      }).output();
      assert.equal(new TextDecoder().decode(stderr), "");
      assert.equal(code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
