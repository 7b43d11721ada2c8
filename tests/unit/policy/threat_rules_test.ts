import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { Message } from "../../../lib/core/message.ts";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import {
  BUILTIN_RULES,
  ThreatRules,
  type ThreatSettings,
} from "../../../lib/policy/threat_rules.ts";
import { callOf } from "./calls.ts";

const ALL = Object.keys(BUILTIN_RULES);

/** What becomes of a message. */
async function outcome(settings: Partial<ThreatSettings>, message: Message) {
  const events: SecurityEvent[] = [];
  const rules = new ThreatRules(
    { mode: "deny", builtin: ALL, rules: {}, ...settings },
    (event) => events.push(event),
  );
  let passed = false;
  const handle = rules.policy((call) => {
    passed = true;
    return Promise.resolve(call.message.id && result(call.message.id, {}));
  });
  const error = await handle({ ...callOf("ping"), message }).then(
    () => undefined,
    (error) => error,
  );
  return { passed, error, events };
}

function toolCall(json: string): Message {
  const text =
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${json}}}`;
  const message = Message.from(new TextEncoder().encode(text));
  assert.equal(message.problem, undefined, text);
  return message;
}

const CAUGHT: readonly (readonly [rule: string, json: string])[] = [
  ["script_tag", '{"a":"<script>alert(1)</script>"}'],
  ["script_tag", '{"a":"<ScRiPt src=x>"}'],
  ["script_tag", '{"a":"\\u003cscript\\u003e"}'],
  ["script_tag", '{"a":"\\u003C\\u0073cript"}'],
  ["script_tag", '{"a":"x<\\/script"}'],
  ["script_tag", '{"<script":1}'],
  ["script_tag", '{"deep":[[{"a":["fine","<<script"]}]]}'],
  ["javascript_url", '{"href":"javascript:alert(1)"}'],
  ["javascript_url", '{"href":"JavaScript\\u003aalert(1)"}'],
  ["javascript_url", '{"href":"java\\tscript:alert(1)"}'],
  ["javascript_url", '{"href":"java\\u000Ascr\\r\\nipt:alert(1)"}'],
  ["event_handler", '{"a":"<img src=x onerror=alert(1)>"}'],
  ["event_handler", '{"a":"<img/onerror =alert(1)>"}'],
  ["event_handler", '{"a":"<img \\"ONLOAD\\n\\t = alert(1)>"}'],
  ["event_handler", '{"a":"onclick="}'],
  ["template_expression", '{"a":"{{7*7}}"}'],
  ["template_expression", '{"a":"\\u0024\\u007b7*7}"}'],
  ["template_expression", '{"a":"<%= x %>"}'],
];

Deno.test("ThreatRules find what a server would read, however it is written", async () => {
  for (const [rule, json] of CAUGHT) {
    const { error, passed, events } = await outcome({}, toolCall(json));
    assert.ok(error instanceof GatewayError, json);
    assert.equal(error.code, -31009);
    assert.deepEqual(error.data, { outcome: "not_sent", rule }, json);
    assert.ok(!passed);
    assert.deepEqual(events.map(({ type, detail }) => [type, detail]), [
      ["threat_found", `rule ${rule}`],
    ]);
    assert.ok(!JSON.stringify([error.message, events]).includes("alert"));
  }
});

const HONEST = [
  '{"a":"a description of scripts, of only = 5, and of javascript"}',
  '{"a":"salmonload=3 icononload=3 my_onload=1 data-onload=1"}',
  '{"a":["<scr","ipt>"],"<scr":"ipt>"}',
  '{"a":{"b":{"c":{}}}}',
  '{"a":"$ {x} { {y} }"}',
  '{"a":"\\\\u003cscript"}',
  '{"a":"java script: the good parts"}',
  '{"a":-1.5e3,"b":null,"c":[true,false,""]}',
];

Deno.test("ThreatRules let pass what only looks alike", async () => {
  for (const json of HONEST) {
    const { error, passed } = await outcome({}, toolCall(json));
    assert.equal(error, undefined, json);
    assert.ok(passed);
  }
});

Deno.test("ThreatRules only report in mode log, and do nothing when off", async () => {
  const message = toolCall('{"a":"<script>"}');
  const logged = await outcome({ mode: "log" }, message);
  assert.deepEqual([logged.passed, logged.error, logged.events.length], [true, undefined, 1]);
  const off = await outcome({ mode: "off" }, message);
  assert.deepEqual([off.passed, off.error, off.events.length], [true, undefined, 0]);
});

Deno.test("ThreatRules look for the texts of the operator, in any script and case", async () => {
  const own = { builtin: [], rules: { sql: ["drop table"], emoji: ["💣 Boom"] } };
  for (const json of ['{"q":"; DROP \\n  TABLE x"}', '{"q":"drop table"}']) {
    assert.equal((await outcome(own, toolCall(json))).error?.data.rule, "sql", json);
  }
  for (const json of ['{"q":"💣 bOOM"}', '{"q":"\\ud83d\\udca3 boom"}']) {
    assert.equal((await outcome(own, toolCall(json))).error?.data.rule, "emoji", json);
  }
  for (const json of ['{"q":"droptable <script>"}', '{"q":"\\udca3\\ud83d boom"}']) {
    assert.equal((await outcome(own, toolCall(json))).error, undefined, json);
  }
});

Deno.test("ThreatRules drop a notification instead of refusing it", async () => {
  const message = notification("notifications/message", { data: "<script>" });
  const { passed, error, events } = await outcome({}, message);
  assert.deepEqual([passed, error, events.length], [false, undefined, 1]);
});
