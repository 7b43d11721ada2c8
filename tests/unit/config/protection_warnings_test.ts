import assert from "node:assert/strict";
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import {
  type ProtectionSettings,
  protectionWarnings,
} from "../../../lib/config/protection_warnings.ts";

const OPEN = [{ url: new URL("http://0.0.0.0:8080") }];

function warned(settings: Record<string, unknown>): string[] {
  const all = { ...DEFAULTS, listen: OPEN, ...settings };
  return protectionWarnings(all as unknown as ProtectionSettings);
}

Deno.test("protectionWarnings() has nothing to say about the defaults, or about this machine alone", () => {
  assert.deepEqual(warned({}), []);
  const off = { rate: { enabled: false }, suspicion: { enabled: false } };
  assert.deepEqual(warned({ ...off, listen: [{ url: new URL("http://127.0.0.1:1") }] }), []);
});

const { http, rate, suspicion, threats, deny } = DEFAULTS;
const UNSAFE: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ rate: { ...rate, enabled: false } }, /rate\.enabled is false.*http:\/\/0\.0\.0\.0:8080/],
  [{ suspicion: { ...suspicion, enabled: false } }, /suspicion\.enabled is false/],
  [{ http: { ...http, trustedProxies: ["0.0.0.0/0"] } }, /trustedProxies holds 0\.0\.0\.0\/0/],
  [{ rate: { ...rate, loopback: true } }, /counts all clients of this machine as one/],
  [{ suspicion: { ...suspicion, loopback: true } }, /counts all clients of this machine as one/],
  [{ deny: { ...deny, addresses: ["127.0.0.0/8"] } }, /deny\.addresses holds this machine/],
  [{ threats: { ...threats, mode: "deny" } }, /threats\.mode is deny/],
];

Deno.test("protectionWarnings() tells of what is off, and of what can be turned against others", () => {
  for (const [settings, expected] of UNSAFE) {
    const warnings = warned(settings);
    assert.equal(warnings.length, 1, `${warnings}`);
    assert.match(warnings[0], expected);
  }
  const proxied = {
    rate: { ...rate, loopback: true },
    http: { ...http, trustedProxies: ["127.0.0.1"] },
  };
  assert.deepEqual(warned(proxied), []);
});
