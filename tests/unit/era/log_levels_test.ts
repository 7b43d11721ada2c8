import assert from "node:assert/strict";
import { GatewayError } from "../../../lib/core/errors.ts";
import { isLogLevel, isLoud, LogLevels } from "../../../lib/era/log_levels.ts";
import { FakeServer } from "../../fixtures/fake_server.ts";

Deno.test("isLoud() orders levels as RFC 5424 does", () => {
  assert.ok(isLoud("emergency", "debug") && isLoud("info", "info"));
  assert.ok(!isLoud("info", "notice") && !isLoud("unknown", "debug"));
  assert.ok(isLogLevel("alert") && !isLogLevel("loud") && !isLogLevel(undefined));
});

Deno.test("LogLevels tells the server the most verbose level that anybody wants, once", async () => {
  const server = new FakeServer();
  const levels = new LogLevels(server);
  const [a, b] = [{}, {}];
  const wanted = levels.want(a, "warning");
  const asked = await server.next();
  assert.equal(asked.message.json().params.level, "warning");
  asked.answer({});
  await wanted;
  await levels.want(b, "error");
  assert.equal(server.untaken, 0);
  assert.deepEqual([levels.of(a), levels.of(b)], ["warning", "error"]);
  levels.forget(a);
  assert.equal(levels.of(a), undefined);
});

Deno.test("LogLevels.want() tells the server again what it has not heard", async () => {
  const server = new FakeServer();
  const levels = new LogLevels(server);
  const who = {};
  const failed = assert.rejects(levels.want(who, "info"));
  (await server.next()).fail(new GatewayError("UpstreamUnavailable", "gone"));
  await failed;
  const wanted = levels.want(who, "info");
  (await server.next()).answer({});
  await wanted;
});
