import assert from "node:assert/strict";
import { FIRST_CALL, questionsOf } from "../../../lib/bench/question.ts";
import { echo, shortPlan } from "../../fixtures/bench_scene.ts";

const ID = FIRST_CALL + 42;

Deno.test("Question.message() gives each call its number and its nonce", () => {
  const [question] = questionsOf(shortPlan());
  const first = question.message(7, ID), second = question.message(8, ID + 1);
  assert.equal(first.json().id, ID);
  assert.match(first.json().params.arguments.message, /^b000007\.100000042x+$/);
  assert.match(second.json().params.arguments.message, /^b000008\.100000043x+$/);
  assert.equal(first.bytes.length, 150);
});

Deno.test("Question.message() carries the protocol's fields in the modern era", () => {
  const [question] = questionsOf(shortPlan({ era: "modern" }));
  const message = question.message(0, ID);
  assert.equal(message.protocolVersion, "2026-07-28");
  assert.equal(message.name, "echo");
});

Deno.test("Question.match() tells the answers of others from its own", () => {
  const [question] = questionsOf(shortPlan());
  const answer = (connection: number, id: number) => echo(question.message(connection, id)).bytes;
  assert.equal(question.isChecked, undefined);
  assert.equal(question.match(answer(1, ID), 1, ID), "same");
  assert.equal(question.match(answer(2, ID), 1, ID), "other", "another connection");
  assert.equal(question.match(answer(1, ID + 1), 1, ID), "other", "another call");
  assert.equal(question.match(answer(1, ID + 1), 1, ID + 1), "same");
  assert.equal(question.isChecked, true);
});

Deno.test("Question.match() notices a wrong answer that is the very first", () => {
  const [question] = questionsOf(shortPlan());
  assert.equal(question.match(echo(question.message(9, ID)).bytes, 1, ID), "other");
});

Deno.test("Question.match() knows nothing of tools that do not echo", () => {
  const [question] = questionsOf(shortPlan({ tool: "now", toolArguments: "{}" }));
  assert.equal(question.match(new TextEncoder().encode("{}"), 1, ID), "unknown");
  const [silent] = questionsOf(shortPlan());
  assert.equal(silent.match(new TextEncoder().encode("{}"), 1, ID), "unknown");
  assert.equal(silent.isChecked, false);
});

Deno.test("questionsOf() mixes ten questions", () => {
  const methods = questionsOf(shortPlan({ scenario: "mixed" })).map((one) =>
    one.message(0, ID).method
  );
  assert.deepEqual(
    ["tools/call", "tools/list", "ping"].map((name) =>
      methods.filter((one) => one === name).length
    ),
    [7, 2, 1],
  );
});
