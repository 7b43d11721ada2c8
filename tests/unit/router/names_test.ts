import assert from "node:assert/strict";
import fc from "fast-check";
import { serverPrefixes } from "../../../lib/config/server_prefixes.ts";
import {
  exposedName,
  NAME_LENGTH_MAX,
  partsOf,
  resourceSchemes,
} from "../../../lib/router/names.ts";

const serverName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 128 }),
  fc.string({ unit: fc.constantFrom("a", "_", "-", "A", " "), minLength: 1, maxLength: 5 }),
);
const toolName = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: fc.constantFrom("a", "_", "h", "0", ".", "/"), maxLength: 70 }),
);

Deno.test("exposedName() is injective over servers and names, legal and at most 64 characters", () => {
  fc.assert(fc.property(
    fc.uniqueArray(serverName, { minLength: 1, maxLength: 6 }),
    fc.uniqueArray(toolName, { maxLength: 20 }),
    (servers, tools) => {
      const prefixes = serverPrefixes(servers);
      const seen = new Map<string, string>();
      for (const server of servers) {
        for (const tool of tools) {
          const exposed = exposedName(prefixes.get(server)!, tool);
          assert.match(exposed, /^[A-Za-z0-9_.-]+$/);
          assert.ok(exposed.length <= NAME_LENGTH_MAX, exposed);
          assert.equal(seen.get(exposed), undefined, exposed);
          seen.set(exposed, tool);
        }
      }
    },
  ));
});

Deno.test("partsOf() reads back every name that was not changed, and its server in any case", () => {
  fc.assert(fc.property(serverName, toolName, (server, tool) => {
    const prefix = serverPrefixes([server]).get(server)!;
    const exposed = exposedName(prefix, tool);
    const parts = partsOf(exposed)!;
    assert.equal(parts.prefix, prefix);
    if (parts.name !== undefined) assert.equal(parts.name, tool);
    else assert.match(exposed, /_h[0-9a-f]{12}$/);
  }));
});

Deno.test("exposedName() keeps plain names plain", () => {
  const GOLDEN: [string, string, string][] = [
    ["memory", "read_graph", "memory__read_graph"],
    ["a", "_b", "a___b"],
    ["a", "b.c-d", "a__b.c-d"],
  ];
  for (const [prefix, name, exposed] of GOLDEN) {
    assert.equal(exposedName(prefix, name), exposed);
  }
  assert.match(exposedName("a", "x y"), /^a__x_y_h[0-9a-f]{12}$/);
  assert.equal(exposedName("a", "long".repeat(30)).length, NAME_LENGTH_MAX);
  for (const none of ["", "x", "__x", "x__", "plain_name"]) assert.equal(partsOf(none), undefined);
});

Deno.test("resourceSchemes() are legal and different", () => {
  const schemes = resourceSchemes(["a_b", "a-b", "A-B", "9lives", "_x", "plain"]);
  assert.equal(new Set(schemes).size, 6);
  for (const scheme of schemes) assert.match(scheme, /^[a-z][a-z0-9.-]*$/);
  assert.equal(schemes[3], "s9lives");
  assert.equal(schemes[5], "plain");
});
