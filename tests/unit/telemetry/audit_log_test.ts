import assert from "node:assert/strict";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import { auditAmongLogLines, auditFile } from "../../../lib/telemetry/audit_log.ts";
import { createLogger } from "../../../lib/telemetry/logger.ts";

const EVENT: SecurityEvent = {
  type: "access_denied",
  address: "203.0.113.7:5",
  principal: "alice",
  detail: "no\nline end, Authorization: Bearer abcdefgh12345",
};

function counter() {
  return {
    lines: 0,
    inc(lines: number) {
      this.lines += lines;
    },
  };
}

async function linesOf(path: string): Promise<Record<string, string>[]> {
  return (await Deno.readTextFile(path)).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("auditFile() adds a line for each event to a file that only its owner can read", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    await Deno.writeTextFile(path, '{"time":"earlier"}\n');
    await Deno.chmod(path, 0o600);
    {
      await using audit = await auditFile(path, { now: () => new Date(0) });
      audit.note(EVENT);
      audit.note({ type: "rate_limited" });
    }
    const [earlier, first, second] = await linesOf(path);
    assert.deepEqual(earlier, { time: "earlier" });
    const { detail, ...facts } = first;
    assert.deepEqual(facts, {
      time: "1970-01-01T00:00:00.000Z",
      type: "access_denied",
      address: "203.0.113.7:5",
      principal: "alice",
    });
    assert.match(detail, /^no\nline end/);
    assert.doesNotMatch(detail, /abcdefgh12345/);
    assert.equal(second.type, "rate_limited");
    if (Deno.build.os !== "windows") {
      await using fresh = await auditFile(`${folder}/fresh.log`);
      fresh.note(EVENT);
      assert.equal((await Deno.stat(`${folder}/fresh.log`)).mode! & 0o777, 0o600);
    }
  }));

Deno.test("auditFile() refuses symbolic links and what cannot be opened", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/victim`, "untouched");
    await Deno.symlink(`${folder}/victim`, `${folder}/link`);
    await assert.rejects(auditFile(`${folder}/link`), /Cannot open audit log .*link: .*ELOOP/);
    await assert.rejects(auditFile(folder), /Cannot open audit log/);
    await assert.rejects(auditFile(`${folder}/none/audit.log`), /Cannot open audit log/);
    assert.equal(await Deno.readTextFile(`${folder}/victim`), "untouched");
  }));

Deno.test("auditFile() goes on in a new file once the old one was renamed", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    const audit = await auditFile(path, { rotationCheckMs: 0 });
    audit.note({ type: "tls_error" });
    await audit.flush();
    await Deno.rename(path, `${path}.1`);
    audit.note({ type: "cert_invalid" });
    await audit[Symbol.asyncDispose]();
    assert.deepEqual((await linesOf(`${path}.1`)).map(({ type }) => type), ["tls_error"]);
    assert.deepEqual((await linesOf(path)).map(({ type }) => type), ["cert_invalid"]);
  }));

Deno.test("auditFile() bounds the lines of a second, and counts the others", () =>
  withFolder(async (folder) => {
    const dropped = counter();
    {
      await using audit = await auditFile(`${folder}/audit.log`, { dropped });
      for (let i = 0; i < 5_000; i++) audit.note(EVENT);
    }
    const written = (await linesOf(`${folder}/audit.log`)).length;
    assert.ok(written >= 1_000 && written < 5_000, `${written}`);
    assert.equal(written + dropped.lines, 5_000);
  }));

Deno.test({
  name: "auditFile() counts what a full disk does not take, and never throws",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const dropped = counter();
    const audit = await auditFile("/dev/full", { dropped });
    for (let i = 0; i < 10; i++) audit.note(EVENT);
    await audit[Symbol.asyncDispose]();
    assert.equal(dropped.lines, 10);
  },
});

Deno.test("auditAmongLogLines() writes at info, ten lines a second, and says how many it left out", async () => {
  const lines: string[] = [];
  const sink = {
    write(bytes: Uint8Array) {
      lines.push(...new TextDecoder().decode(bytes).split("\n").slice(0, -1));
      return Promise.resolve(bytes.length);
    },
  };
  {
    await using log = createLogger({ sink, format: "json" });
    await using audit = auditAmongLogLines(log.child("audit"));
    for (let i = 0; i < 50; i++) audit.note(EVENT);
  }
  const parsed = lines.map((line) => JSON.parse(line));
  const events = parsed.filter(({ msg }) => msg === "access_denied");
  assert.equal(events.length, 10);
  assert.deepEqual([events[0].module, events[0].principal], ["audit", "alice"]);
  assert.doesNotMatch(lines.join(), /abcdefgh12345/);
  assert.ok(parsed.some(({ lines }) => lines === 40));
});
