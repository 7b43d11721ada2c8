import assert from "node:assert/strict";
import type { ProcessEntry } from "../../../../transports/process/table.ts";
import { processTable } from "../../../../transports/process/table.ts";
import { membersOf } from "../../../../transports/process/tree.ts";

function entry(pid: number, parentPid: number, groupId: number, cookie?: string): ProcessEntry {
  return { pid, parentPid, groupId, cookie };
}

const root = { pid: 10, cookie: "c.1.", hasGroup: true };
const pids = (members: readonly ProcessEntry[]) => members.map(({ pid }) => pid).sort();

Deno.test("membersOf() finds group, descendants and cookie bearers", () => {
  const entries = [
    entry(15, 14, 14), // descends from a cookie bearer that comes later in the list
    entry(10, 1, 10, "c.1."),
    entry(11, 1, 10), // of the group, without parent and cookie
    entry(12, 10, 12),
    entry(13, 12, 13),
    entry(14, 1, 14, "outer.7.c.1."),
    entry(20, 1, 20),
    entry(21, 1, 21, "c.11."),
  ];
  assert.deepEqual(pids(membersOf(entries, root)), [10, 11, 12, 13, 14, 15]);
});

Deno.test("membersOf() knows those seen before by process and group", () => {
  const entries = [entry(30, 1, 30), entry(31, 1, 99)];
  assert.deepEqual(pids(membersOf(entries, root, new Map([[30, 30], [31, 31]]))), [30]);
});

Deno.test("membersOf() never counts the caller", () => {
  assert.deepEqual(membersOf([entry(Deno.pid, 10, 10, "c.1.")], root), []);
});

for (const os of ["linux", "darwin"] as const) {
  Deno.test({
    name: `processTable() finds this process the way of ${os}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const table = processTable(os);
      const [entries, same] = await Promise.all([table.snapshot(), table.snapshot()]);
      const own = entries.find(({ pid }) => pid === Deno.pid);
      assert.equal(own?.parentPid, Deno.ppid);
      assert.ok(same.some(({ pid }) => pid === Deno.pid));
    },
  });
}
