import assert from "node:assert/strict";
import type { ClientView } from "../../../lib/admin/client_view.ts";
import { Openings, RAPID_OPENINGS } from "../../../lib/admin/openings.ts";
import { patternsOf } from "../../../lib/admin/patterns.ts";

function view(part: Partial<ClientView>): ClientView {
  return {
    ...{ client: "abc", hasSession: true, ageS: 10, idleS: 0, inFlight: 0, listening: false },
    ...{ calls: 1, errors: 0, traced: false, transport: "tcp", address: "10.0.0.1:5" },
    ...part,
  };
}

Deno.test("patternsOf() counts ages and lists what is older than was asked for", () => {
  const hour = 3600;
  const views = [1, 2 * hour, 7 * hour, 25 * hour, 90 * hour].map((ageS) => view({ ageS }));
  const { ages, old } = patternsOf(
    [...views, view({ hasSession: false, ageS: 99 * hour })],
    [],
    24,
  );
  assert.deepEqual(ages, { "0-1h": 1, "1-6h": 1, "6-24h": 1, "24h+": 2 });
  assert.deepEqual(old.map(({ ageS }) => ageS / hour), [90, 25]);
});

Deno.test("patternsOf() finds who hoards sessions, by principal or address without port", () => {
  const idle = Array.from({ length: 20 }, (_, i) => view({ address: `10.0.0.2:${i}`, idleS: 100 }));
  const busy = Array.from({ length: 40 }, (_, i) => view({ address: `10.0.0.3:${i}`, idleS: 1 }));
  const named = Array.from(
    { length: 30 },
    (_, i) => view({ address: `10.0.1.${i}:1`, principal: "key:a", idleS: 500 }),
  );
  const { hoarding } = patternsOf([...idle, ...busy, ...named], [], 24);
  assert.deepEqual(hoarding, [
    { origin: "key:a", sessions: 30, idle: 30 },
    { origin: "10.0.0.2", sessions: 20, idle: 20 },
  ]);
});

Deno.test("Openings find who reconnects too often, and forget", () => {
  const openings = new Openings();
  for (let i = 0; i < RAPID_OPENINGS; i++) openings.note("a", 60_000 + i);
  for (let i = 0; i < RAPID_OPENINGS - 1; i++) openings.note("b", 60_000 + i);
  assert.deepEqual(openings.rapid(61_000), [{ origin: "a", openingsPerMinute: RAPID_OPENINGS }]);
  assert.deepEqual(openings.rapid(180_000), []);
});
