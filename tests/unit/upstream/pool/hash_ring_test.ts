import assert from "node:assert/strict";
import { HashRing } from "../../../../lib/upstream/pool/hash_ring.ts";

const KEYS = Array.from({ length: 10_000 }, (_, i) => `session ${i}`);

function ring(members: number): HashRing {
  const ring = new HashRing();
  for (let member = 0; member < members; member++) ring.add(member);
  return ring;
}

function owners(ring: HashRing): (number | undefined)[] {
  return KEYS.map((key) => ring.find(key));
}

Deno.test("find() knows no member of an empty ring", () => {
  assert.equal(ring(0).find("a"), undefined);
});

Deno.test("find() spreads keys over the members", () => {
  const counts = new Array(10).fill(0);
  for (const owner of owners(ring(10))) counts[owner!]++;
  for (const count of counts) assert.ok(count > 600 && count < 1500, `${counts}`);
});

Deno.test("add() moves about 1/n of the keys, all to the new member", () => {
  const grown = ring(9);
  const before = owners(grown);
  grown.add(9);
  const moved = owners(grown).filter((owner, i) => owner !== before[i]);
  assert.ok(moved.every((owner) => owner === 9));
  assert.ok(moved.length > 600 && moved.length < 1500, `${moved.length} of ${KEYS.length}`);
});

Deno.test("delete() moves the keys of that member only", () => {
  const shrunk = ring(10);
  const before = owners(shrunk);
  shrunk.delete(4);
  owners(shrunk).forEach((owner, i) => {
    if (before[i] !== 4) assert.equal(owner, before[i]);
    else assert.notEqual(owner, 4);
  });
});

Deno.test("find() does not depend on the order in which members came, nor on a second add()", () => {
  const other = new HashRing();
  for (const member of [3, 0, 4, 1, 3, 2]) other.add(member);
  assert.deepEqual(owners(other), owners(ring(5)));
});
