import assert from "node:assert/strict";
import fc from "fast-check";
import { ANONYMOUS, type Identity } from "../../../lib/core/identity.ts";
import {
  type AccessRule,
  AccessRules,
  type ItemKind,
  type Wish,
} from "../../../lib/policy/access_rules.ts";

function identity(
  more: { scopes?: string[]; roles?: string[]; principal?: string } = {},
): Identity {
  return {
    ...ANONYMOUS,
    proof: "jwt",
    principal: more.principal ?? "issuer alice",
    scopes: new Set(more.scopes),
    roles: new Set(more.roles),
  };
}

function tool(name: string, server = "main"): Wish {
  return { method: "tools/call", item: { kind: "tools", name, servers: [server] } };
}

function resource(name: string): Wish {
  return { method: "resources/read", item: { kind: "resources", name, servers: ["main"] } };
}

function allows(rule: AccessRule, wish: Wish, who = identity()): boolean {
  return new AccessRules([rule]).judge(who, wish).allowed;
}

Deno.test("judge() allows what a rule is for, and nothing else", () => {
  assert.ok(allows({ tools: ["read_*"] }, tool("read_file")));
  assert.ok(!allows({ tools: ["read_*"] }, tool("write_file")));
  assert.ok(!allows({ tools: ["*"] }, resource("file:///x")));
  assert.ok(allows({ resources: ["file:///public/*"] }, resource("file:///public/x")));
  assert.ok(!allows({ tools: ["*"] }, { method: "tasks/list" }));
  assert.ok(allows({ methods: ["tasks/*"] }, { method: "tasks/list" }));
  assert.ok(!allows({ methods: ["tasks/*"] }, tool("x")));
  assert.ok(allows({ methods: ["tools/call"], tools: ["a"] }, tool("a")));
  assert.ok(!allows({ methods: ["prompts/get"], tools: ["a"] }, tool("a")));
  assert.ok(allows({}, tool("x")) && allows({}, { method: "anything" }));
});

Deno.test("judge() holds a rule to its servers; of several that may be meant, to each", () => {
  assert.ok(allows({ servers: ["git*"] }, tool("x", "github")));
  assert.ok(!allows({ servers: ["git*"] }, tool("x", "files")));
  const both: Wish = {
    method: "resources/read",
    item: { kind: "resources", name: "u", servers: ["github", "files"] },
  };
  assert.ok(!allows({ servers: ["git*"] }, both));
  assert.ok(allows({ servers: ["*"] }, both));
  const nobodys: Wish = { method: "resources/read", item: { ...both.item!, servers: [] } };
  assert.ok(!allows({ servers: ["*"] }, nobodys), "nobody knows whose it is");
  assert.ok(allows({ resources: ["u"] }, nobodys));
});

Deno.test("judge() lets everybody find out what there is", () => {
  const none = new AccessRules([{ roles: ["nobody"] }]);
  for (const method of ["initialize", "ping", "server/discover", "tools/list", "notifications/x"]) {
    assert.ok(none.judge(ANONYMOUS, { method }).allowed, method);
  }
  assert.ok(!none.judge(ANONYMOUS, { method: "tasks/get" }).allowed);
});

Deno.test("judge() asks for all scopes and one of the roles", () => {
  const rule = { scopes: ["a", "b"], roles: ["r", "s"] };
  const of = (scopes: string[], roles: string[]) =>
    allows(rule, tool("x"), identity({ scopes, roles }));
  assert.ok(of(["a", "b", "c"], ["s"]));
  assert.ok(!of(["a"], ["s"]));
  assert.ok(!of(["a", "b"], []));
});

Deno.test("judge() names all scopes of the easiest rule at once, and none where roles are missing", () => {
  const rules = new AccessRules([
    { tools: ["x"], scopes: ["a", "b", "c"] },
    { tools: ["x"], scopes: ["a", "d"] },
    { tools: ["y"], roles: ["r"], scopes: ["a"] },
  ]);
  const who = identity({ scopes: ["a"] });
  assert.deepEqual(rules.judge(who, tool("x")), { allowed: false, scopes: ["a", "d"] });
  assert.deepEqual(rules.judge(who, tool("y")), { allowed: false, scopes: [] });
  assert.deepEqual(rules.judge(who, tool("z")), { allowed: false, scopes: [] });
});

Deno.test("judge() knows which scopes a broader one includes, in any number of steps", () => {
  const rules = new AccessRules([{ scopes: ["read"] }], {
    admin: ["write"],
    write: ["read"],
    read: ["admin"], // a circle ends, too
  });
  for (const scope of ["admin", "write", "read"]) {
    assert.ok(rules.judge(identity({ scopes: [scope] }), tool("x")).allowed, scope);
  }
  assert.ok(!rules.judge(identity({ scopes: ["other"] }), tool("x")).allowed);
});

Deno.test("judge() tells principals apart, with or without proof", () => {
  const rule = { principals: ["issuer *", "anonymous"] };
  assert.ok(allows(rule, tool("x")));
  assert.ok(allows(rule, tool("x"), ANONYMOUS));
  assert.ok(!allows(rule, tool("x"), identity({ principal: "key:bot" })));
});

Deno.test("judge() allows nobody more who has less", () => {
  const word = fc.constantFrom("a", "b", "c");
  const some = fc.uniqueArray(word);
  const rule = fc.record({
    tools: fc.array(fc.constantFrom("a*", "*b", "*"), { minLength: 1 }),
    scopes: some,
    servers: fc.array(word, { minLength: 1 }),
  }, { requiredKeys: [] });
  const kinds = fc.constantFrom<ItemKind>("tools", "prompts", "resources");
  fc.assert(fc.property(
    fc.array(rule),
    some,
    some,
    kinds,
    word,
    (list, scopes, more, kind, name) => {
      const rules = new AccessRules(list);
      const wish: Wish = { method: "m", item: { kind, name, servers: ["a"] } };
      const less = rules.judge(identity({ scopes }), wish);
      const most = rules.judge(identity({ scopes: [...scopes, ...more] }), wish);
      return !less.allowed || most.allowed;
    },
  ));
});
