import assert from "node:assert/strict";
import fc from "fast-check";
import { redactFields, redactText } from "../../../lib/telemetry/redact.ts";

const CANARY = "CaNaRy123456789";

Deno.test("redactFields() replaces values under keys that name a secret, at any depth", () => {
  const secret = { [CANARY]: CANARY };
  const fields = {
    Authorization: CANARY,
    "proxy-authorization": CANARY,
    "Set-Cookie": [CANARY],
    headers: { cookie: CANARY, "x-api-key": CANARY, accept: "a/b" },
    env: { GITHUB_TOKEN: CANARY, AWS_SECRET_ACCESS_KEY: CANARY, HOME: "/root" },
    a: [{ b: [{ access_token: CANARY, clientSecret: CANARY, password: CANARY }] }],
    pairs: [["authorization", CANARY], ["accept", "a/b"]],
    map: new Map([["refreshToken", CANARY]]),
    real: new Headers({ authorization: CANARY, accept: "a/b" }),
    credentials: secret,
    tokens: [CANARY],
    hasToken: true,
    url: new URL(`https://u:${CANARY}@h/p?token=${CANARY}&x=1`),
    progressToken: 7,
    error: new Error(`Cannot dial https://u:${CANARY}@h: refused`, {
      cause: new Error(`Bearer ${CANARY}`),
    }),
  };
  const shown = redactFields(fields, { stacks: true });
  const text = JSON.stringify(shown);
  assert(!text.includes(CANARY), text);
  assert.deepEqual(shown.headers, {
    cookie: "[redacted]",
    "x-api-key": "[redacted]",
    accept: "a/b",
  });
  assert.equal(shown.progressToken, 7);
  assert.equal(shown.hasToken, true);
  assert.equal(shown.url, "https://[redacted]@h/p?token=[redacted]&x=1");
});

Deno.test("redactText() replaces secrets inside text and keeps the rest", () => {
  const cases: [string, string][] = [
    ["listening on http://127.0.0.1:8080/mcp", "listening on http://127.0.0.1:8080/mcp"],
    [`Authorization: Bearer ${CANARY}`, "Authorization: [redacted]"],
    [`sent Bearer ${CANARY} to it`, "sent Bearer [redacted] to it"],
    [`redis://:${CANARY}@127.0.0.1:6379/0`, "redis://[redacted]@127.0.0.1:6379/0"],
    [`GET /x?access_token=${CANARY}&a=1`, "GET /x?access_token=[redacted]&a=1"],
    [`GET /cb?code=${CANARY}&state=1`, "GET /cb?code=[redacted]&state=1"],
    [`{"api_key": "${CANARY}", "a": 1}`, '{"api_key": [redacted], "a": 1}'],
    [`API_KEY=${CANARY} node x.js`, "API_KEY=[redacted] node x.js"],
    [`Mcp-Session-Id: ${CANARY}`, "Mcp-Session-Id: [redacted]"],
    ["got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 there", "got [redacted] there"],
    [`pem -----BEGIN RSA PRIVATE KEY-----\n${CANARY}`, "pem [redacted]"],
    ["key ghp_abcdefghijklmnopqrstuvwx used", "key [redacted] used"],
  ];
  for (const [text, expected] of cases) assert.equal(redactText(text), expected);
});

Deno.test("redactFields() shows no session id whole", () => {
  const shown = redactFields({ sessionId: CANARY, session_id: CANARY, "mcp-session-id": CANARY });
  assert.deepEqual(Object.values(shown), ["CaNaRy...", "CaNaRy...", "CaNaRy..."]);
});

Deno.test("redactFields() ends with cycles, depth, width and length bounded", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, { v: i }]));
  const shown = redactFields({
    bytes: new Uint8Array(1000),
    loop,
    wide,
    many: Array.from({ length: 64 }, () => wide),
    list: new Array(1000).fill(0),
    long: "x".repeat(100_000),
  });
  assert(JSON.stringify(shown).length < 50_000);
  assert.equal(Object.keys(shown.wide as object).length, 65);
  assert.equal(shown.bytes, "[1000 bytes]");
});

Deno.test("redactFields() never throws and always gives JSON", () => {
  const hostile = {
    get bad() {
      throw new Error("no");
    },
    good: 1,
    big: 10n,
    nan: NaN,
    date: new Date(NaN),
    fn() {},
    proxy: new Proxy({}, {
      ownKeys() {
        throw new Error("no");
      },
    }),
  };
  const shown = redactFields(hostile);
  assert.deepEqual(shown, {
    bad: "[unreadable]",
    good: 1,
    big: "10",
    nan: "NaN",
    date: "invalid date",
    proxy: "[unreadable]",
  });
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => {
    JSON.stringify(redactFields(fields));
  }));
});

Deno.test("redactText() finds secrets of arguments, of keys inside JSON inside text, and passwords with an @", () => {
  const secret = "s3cr3tvalue0123456789";
  for (
    const text of [
      `https://user:p@${secret}@host/x`,
      `run --token ${secret} --verbose`,
      `run --client-secret ${secret}`,
      `pwd=${secret}`,
      `private_key: ${secret}`,
      `X-Amz-Signature=${secret}`,
      `Token ${secret}`,
      `{\\"token\\":\\"${secret}\\"}`,
      `"requestState":"${secret}"`,
    ]
  ) assert.doesNotMatch(redactText(text), new RegExp(secret), text);
  assert.equal(redactText("AKIAIOSFODNN7EXAMPLE"), "[redacted]");
  assert.equal(
    redactText("Token refresh failed, --verbose was on"),
    "Token refresh failed, --verbose was on",
  );
});
