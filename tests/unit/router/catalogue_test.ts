import assert from "node:assert/strict";
import { Catalogue, catalogueKey } from "../../../lib/router/catalogue.ts";
import { itemsOf, partOf } from "../../../lib/router/lists.ts";

const encoder = new TextEncoder();
const part = (...names: string[]) =>
  partOf(itemsOf(encoder.encode(JSON.stringify(names.map((name) => ({ name })))), "name"));
const request = { transport: "http", address: "x", header: () => undefined };

Deno.test("catalogueKey() tells owners, versions and capabilities apart", () => {
  const tls = { altNames: [], fingerprint256: "AA" };
  const keys = [
    catalogueKey(request, "1", encoder.encode("{}")),
    catalogueKey(request, "2", encoder.encode("{}")),
    catalogueKey(request, "1", encoder.encode('{"roots":{}}')),
    catalogueKey({ ...request, tls }, "1", encoder.encode("{}")),
    catalogueKey(request, "1", undefined),
  ];
  assert.equal(new Set(keys).size, keys.length);
  const elsewhere = { ...request, address: "y" };
  assert.equal(catalogueKey(elsewhere, "1", encoder.encode("{}")), keys[0]);
});

Deno.test("Catalogue finds a list for the same endpoint, client and method only", async () => {
  await using catalogue = new Catalogue();
  const kept = catalogue.keep("server", "client", "tools/list", part("t"));
  assert.equal(catalogue.find("server", "client", "tools/list"), kept);
  assert.equal(catalogue.find("other", "client", "tools/list"), undefined);
  assert.equal(catalogue.find("server", "other", "tools/list"), undefined);
  assert.equal(catalogue.find("server", "client", "prompts/list"), undefined);
});

Deno.test("Catalogue holds equal lists once", async () => {
  await using catalogue = new Catalogue();
  const one = catalogue.keep("s", "a", "tools/list", part("t"));
  const two = catalogue.keep("s", "b", "tools/list", part("t"));
  assert.ok(one === two);
  assert.ok(catalogue.keep("s", "a", "tools/list", part("u")) !== one);
});

Deno.test("Catalogue forgets the least recently used list when there are too many", async () => {
  await using catalogue = new Catalogue();
  for (let i = 0; i < 1000; i++) catalogue.keep("s", `${i}`, "tools/list", part(`${i}`));
  catalogue.find("s", "0", "tools/list");
  catalogue.keep("s", "new", "tools/list", part("new"));
  assert.ok(catalogue.find("s", "0", "tools/list"));
  assert.equal(catalogue.find("s", "1", "tools/list"), undefined);
});
