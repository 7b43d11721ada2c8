import assert from "node:assert/strict";
import { readEnvironment } from "../../../lib/config/environment.ts";

Deno.test("readEnvironment() reads every kind of setting", () => {
  const { settings, warnings } = readEnvironment({
    SLUICE_LISTEN: " http://127.0.0.1:1, http://127.0.0.1:2 stdio: ",
    SLUICE_UPSTREAMS: "a=http://h/?x=y",
    SLUICE_LIMITS_CALL_DEADLINE_HARD_MS: "700000",
    SLUICE_HTTP_ALLOWED_HOSTS: "a.example,b.example:80",
    SLUICE_LOG_FORMAT: "json",
    SLUICE_FEATURES: "fast=true,slow=0",
  });
  assert.deepEqual(settings, {
    listen: ["http://127.0.0.1:1", "http://127.0.0.1:2", "stdio:"],
    upstreams: {
      a: {
        url: "http://h/?x=y",
        sharing: "perSession",
        era: "auto",
        tools: {},
        start: "lazy",
        idleStopMs: 0,
      },
    },
    limits: { callDeadlineHardMs: 700000 },
    http: { allowedHosts: ["a.example", "b.example:80"] },
    log: { format: "json" },
    features: { fast: true, slow: false },
  });
  assert.deepEqual(warnings, []);
});

Deno.test("readEnvironment() ignores other variables, empty ones and SLUICE_CONFIG", () => {
  const env = { PATH: "/bin", SLUICE_LISTEN: "", SLUICE_CONFIG: "x", SLUICE_GONE: undefined };
  assert.deepEqual(readEnvironment(env), { settings: {}, warnings: [] });
});

Deno.test("readEnvironment() warns about unknown variables without their values", () => {
  const { warnings } = readEnvironment({ SLUICE_API_TOKEN: "hunter2" });
  assert.deepEqual(warnings, ["the variable SLUICE_API_TOKEN is not a setting and is ignored"]);
});
