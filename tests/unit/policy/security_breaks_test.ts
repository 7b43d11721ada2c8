import assert from "node:assert/strict";
import { SecurityBreaks } from "../../../lib/policy/security_breaks.ts";

Deno.test("SecurityBreaks opens the circuit of an endpoint whose TLS keeps failing", () => {
  let nowMs = 0;
  const breaks = new SecurityBreaks(() => nowMs);
  let opened = 0;
  const watched = breaks.watch("u", { securityEvents: 3, windowMs: 12_000 }, () => opened++);
  watched.failed();
  watched.failed();
  nowMs += 13_000;
  watched.failed();
  watched.failed();
  assert.equal(opened, 0, "the first two are too long ago");
  watched.failed();
  assert.equal(opened, 1);
  watched.failed();
  watched.failed();
  assert.equal(opened, 1, "it begins anew");
});

Deno.test("SecurityBreaks holds violations against the endpoint that was connected to last", () => {
  const breaks = new SecurityBreaks(() => 0);
  const opened: string[] = [];
  const settings = { securityEvents: 2, windowMs: 10_000 };
  const first = breaks.watch("u", settings, () => opened.push("first"));
  const second = breaks.watch("u", settings, () => opened.push("second"));
  const violate = (upstream?: string) => breaks.note({ type: "protocol_violation", upstream });
  violate("u");
  first.connected();
  violate("u");
  second.connected();
  violate("u");
  violate();
  violate("other");
  breaks.note({ type: "tls_error", upstream: "u" });
  assert.deepEqual(opened, []);
  violate("u");
  assert.deepEqual(opened, ["second"]);
});

Deno.test("SecurityBreaks does nothing where the bound is 0", () => {
  const breaks = new SecurityBreaks(() => 0);
  const watched = breaks.watch("u", { securityEvents: 0, windowMs: 10_000 }, () => assert.fail());
  for (let i = 0; i < 1_000; i++) watched.failed();
});
