/**
 * A tool that blocks its process for 200 ms, behind one process and behind a pool of ten: `deno task bench:pool`.
 *
 * @module
 */
import { startPool, toolCall } from "./real_pool.ts";

const BLOCK_MS = 200;
const CALLS = 50;
const ROUNDS = 3;

/** Calls per second of so many processes, all calls sent at once. */
async function perSecond(processes: number): Promise<number> {
  await using started = await startPool("../../tests/fixtures/blocking_server.ts", {
    min: processes,
    strategy: "leastLoaded",
    callsPerMember: 1,
  });
  const callAll = (ms: number) =>
    Promise.all(
      Array.from({ length: CALLS }, () => started.pool.handle(toolCall("block", { ms }))),
    );
  await callAll(1); // the first calls of a process find it cold
  const startMs = performance.now();
  await callAll(BLOCK_MS);
  return CALLS / (performance.now() - startMs) * 1000;
}

for (let round = 1; round <= ROUNDS; round++) {
  const one = await perSecond(1), ten = await perSecond(10);
  console.log(
    `round ${round}: one process ${one.toFixed(2)}/s, ten ${ten.toFixed(2)}/s, ` +
      `ratio ${(ten / one).toFixed(2)}`,
  );
}
