import assert from "node:assert/strict";
import { request, result } from "../../../../lib/core/compose.ts";
import type { Handler } from "../../../../lib/core/handler.ts";
import type { SecurityEvent } from "../../../../lib/core/security_event.ts";
import { ArgumentCheck } from "../../../../lib/policy/validation/argument_check.ts";
import { SchemaCompiler } from "../../../../lib/policy/validation/schema_compiler.ts";
import { callOf } from "../calls.ts";

const SCHEMA = {
  type: "object",
  properties: { count: { type: "integer" } },
  required: ["count"],
};

/** A server whose list the test may change, behind the check. */
class Scene {
  schema: unknown = SCHEMA;
  lists = 0;
  calls = 0;
  readonly events: SecurityEvent[] = [];
  readonly uncheckable: string[] = [];
  readonly #handle: Handler;

  constructor(mode: "off" | "log" | "deny") {
    const check = new ArgumentCheck({
      upstream: "server",
      compiler: new SchemaCompiler(),
      mode,
      report: (event) => this.events.push(event),
      onUncheckable: (tool, why) => this.uncheckable.push(`${tool}: ${why}`),
    });
    this.#handle = check.policy(({ message }) => {
      if (message.method !== "tools/list") {
        this.calls++;
        return Promise.resolve(result(message.id!, { content: [] }));
      }
      this.lists++;
      const tools = [{ name: "add", inputSchema: this.schema }];
      return Promise.resolve(result(message.id!, { tools }));
    });
  }

  // deno-lint-ignore no-explicit-any
  async send(method: string, params: unknown): Promise<any> {
    const answer = await this.#handle({ ...callOf("ping"), message: request(1, method, params) });
    return answer!.json().result;
  }

  add(value: unknown) {
    return this.send("tools/call", { name: "add", arguments: value });
  }
}

Deno.test("ArgumentCheck tells the model what is wrong, and the server nothing", async () => {
  const scene = new Scene("deny");
  await scene.send("tools/list", {});
  assert.deepEqual((await scene.add({ count: 1 })).content, []);
  const refused = await scene.add({ count: "one" });
  assert.equal(refused.isError, true);
  assert.match(refused.content[0].text, /Cannot call add: arguments\/count must be integer/);
  assert.equal(scene.calls, 1);
  assert.equal(scene.events[0].type, "arguments_refused");
  assert.equal(scene.events[0].upstream, "server");
});

Deno.test("ArgumentCheck reads the list for a client that has not asked for it", async () => {
  const scene = new Scene("deny");
  assert.equal((await scene.add({})).isError, true);
  assert.equal((await scene.add({ count: 2 })).isError, undefined);
  assert.equal(scene.lists, 1);
});

Deno.test("ArgumentCheck refuses nothing by a schema that its server has changed", async () => {
  const scene = new Scene("deny");
  await scene.send("tools/list", {});
  scene.schema = { type: "object" };
  assert.equal((await scene.add({ count: "one" })).isError, undefined);
  assert.equal(scene.lists, 2);
});

Deno.test("ArgumentCheck in mode log reports and lets through; off it does nothing", async () => {
  const log = new Scene("log"), off = new Scene("off");
  assert.equal((await log.add({})).isError, undefined);
  assert.equal(log.events.length, 1);
  await off.add({});
  assert.deepEqual([off.events.length, off.lists, off.calls], [0, 0, 1]);
});

Deno.test("ArgumentCheck leaves tools to their server whose schema it cannot check", async () => {
  const scene = new Scene("deny");
  scene.schema = { $ref: "http://127.0.0.1:9/schema.json" };
  await scene.add({});
  await scene.add({});
  assert.equal(scene.calls, 2);
  assert.equal(scene.lists, 1);
  assert.deepEqual(scene.uncheckable, ["add: it refers to something that is no part of it"]);
});
