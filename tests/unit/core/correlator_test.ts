import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure, result } from "../../../lib/core/compose.ts";
import { Correlator, type Ticket } from "../../../lib/core/correlator.ts";
import { GatewayError } from "../../../lib/core/errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function correlator(onExpired?: (ticket: Ticket<string>) => void) {
  return new Correlator<string>({
    peer: "test",
    deadlineMs: 1000,
    hardDeadlineMs: 3000,
    openMax: 3,
    onExpired,
  });
}

Deno.test("settle() takes each answer to its own question, in any order", async () => {
  using open = correlator();
  const [a, b] = [open.issue("a"), open.issue("b")];
  assert.ok(open.settle(result(b.id, "for b")));
  assert.ok(open.settle(result(a.id, "for a")));
  assert.equal((await a.answer).json().result, "for a");
  assert.equal((await b.answer).json().result, "for b");
  assert.equal(open.size, 0);
});

Deno.test("settle() refuses repeated, late, unknown and oddly spelled ids", async () => {
  using open = correlator();
  const ticket = open.issue("a");
  for (const id of ["99", '"1"', "1.0", "-1", "01", "1e0"]) {
    assert.equal(open.settle(result(encoder.encode(id), 0)), false, id);
  }
  assert.equal(open.settle(failure(undefined, new GatewayError("ParseError", "x"))), false);
  assert.ok(open.settle(result(ticket.id, 1)));
  assert.equal(open.settle(result(ticket.id, 2)), false);
  assert.equal((await ticket.answer).json().result, 1);
});

Deno.test("issue() refuses more questions than allowed", () => {
  using open = correlator();
  const tickets = [open.issue("a"), open.issue("b"), open.issue("c")];
  for (const { answer } of tickets) answer.catch(() => {});
  assert.throws(() => open.issue("d"), { failure: "Overloaded" });
});

Deno.test("a question fails at its deadline, after its owner was told", async () => {
  const clock = FakeTimers.install();
  try {
    const expired: string[] = [];
    using open = correlator((ticket) => expired.push(ticket.tag));
    const ticket = open.issue("a");
    const outcome = assert.rejects(ticket.answer, { failure: "UpstreamTimeout" });
    clock.tick(900);
    assert.equal(open.size, 1);
    clock.tick(300);
    assert.deepEqual(expired, ["a"]);
    await outcome;
    assert.equal(open.settle(result(ticket.id, 1)), false);
  } finally {
    clock.uninstall();
  }
});

Deno.test("prolong() moves the deadline, but not past the hard one", async () => {
  const clock = FakeTimers.install();
  try {
    using open = correlator();
    const ticket = open.issue("a");
    const outcome = assert.rejects(ticket.answer, { failure: "UpstreamTimeout" });
    for (let ms = 0; ms < 2500; ms += 500) {
      clock.tick(500);
      open.prolong(ticket);
    }
    assert.equal(open.size, 1);
    clock.tick(700);
    assert.equal(open.size, 0);
    await outcome;
  } finally {
    clock.uninstall();
  }
});

Deno.test("hold() suspends deadlines and starts them anew when disposed", async () => {
  const clock = FakeTimers.install();
  try {
    using open = correlator();
    const ticket = open.issue("a");
    const outcome = assert.rejects(ticket.answer, { failure: "UpstreamTimeout" });
    const hold = open.hold();
    clock.tick(1500);
    assert.equal(open.size, 1);
    hold[Symbol.dispose]();
    clock.tick(900);
    assert.equal(open.size, 1);
    clock.tick(300);
    assert.equal(open.size, 0);
    await outcome;
  } finally {
    clock.uninstall();
  }
});

Deno.test("disposing fails what is open", async () => {
  const open = correlator();
  const ticket = open.issue("a");
  open[Symbol.dispose]();
  await assert.rejects(ticket.answer, GatewayError);
});

Deno.test("a thousand askers with random answer order get their own answers, once each", async () => {
  using open = new Correlator<number>({
    peer: "test",
    deadlineMs: 60_000,
    hardDeadlineMs: 60_000,
    openMax: 1000,
  });
  const tickets = Array.from({ length: 1000 }, (_, i) => open.issue(i));
  const order = tickets.toSorted(() => Math.random() - 0.5);
  for (const ticket of order) assert.ok(open.settle(result(ticket.id, ticket.tag)));
  for (const ticket of order) assert.ok(!open.settle(result(ticket.id, -1)));
  const answers = await Promise.all(tickets.map((ticket) => ticket.answer));
  answers.forEach((answer, i) => assert.equal(answer.json().result, i));
  assert.equal(decoder.decode(answers[7].id), decoder.decode(tickets[7].id));
});
