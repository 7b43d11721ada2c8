import assert from "node:assert/strict";
import fc from "fast-check";
import {
  becomeWorker,
  tagged,
  untagged,
  workerElsewhere,
  WORKERS_MAX,
} from "../../../lib/core/worker_tag.ts";

/** Runs as a worker; afterwards the process is alone again. */
function as(worker: number, act: () => void): void {
  becomeWorker(worker);
  try {
    act();
  } finally {
    becomeWorker(0);
  }
}

Deno.test("tagged() leaves ids alone where there is one process", () => {
  assert.equal(tagged("abc"), "abc");
  assert.equal(workerElsewhere("abc"), undefined);
});

Deno.test("workerElsewhere() names the worker that gave an id out, except where that is this one", () => {
  const workers = fc.integer({ min: 1, max: WORKERS_MAX });
  fc.assert(fc.property(workers, workers, fc.string(), (one, other, text) => {
    let id = "";
    as(one, () => id = tagged(text));
    as(other, () => {
      assert.equal(workerElsewhere(id), one === other ? undefined : one);
      assert.equal(untagged(id), text);
    });
  }));
});

Deno.test("workerElsewhere() takes nothing else for a tag", () => {
  const forged = ["", "~", "0~a", "65~a", "99~a", "100~a", "-1~a", "1.5~a", "+1~a", " 1~a", "a1~a"];
  as(2, () => {
    for (const text of forged) assert.equal(workerElsewhere(text), undefined, text);
    fc.assert(fc.property(fc.string(), (text) => {
      const worker = workerElsewhere(text);
      assert.ok(worker === undefined || text.startsWith(`${worker}~`));
    }));
  });
});
