import assert from "node:assert/strict";
import { connectModernClient } from "../contract/modern_client.ts";
import { travelToEverything } from "../contract/everything_journey.ts";
import { travel } from "../contract/sdk_journey.ts";
import { FORM } from "../contract/traveller.ts";
import { reconnectingProxy } from "../fixtures/reconnecting_proxy.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { startServe } from "../fixtures/sluice.ts";
import type { Way } from "../fixtures/ways.ts";

const WORKERS = 2;
/** Retries of which none would have to be relayed: one time in a million. */
const ROUNDS = 20;

/** Over HTTP to `sluice serve --workers 2`, each request over a connection of its own. */
const OVER_WORKERS: Way = {
  name: "serve with two workers",
  open: async (upstream, cwd) => {
    const serve = await startServe(upstream, { cwd, flags: ["--workers", `${WORKERS}`] });
    const proxy = await reconnectingProxy(serve.url);
    return {
      door: { url: proxy.url },
      log: serve.stderr,
      async [Symbol.asyncDispose]() {
        const shown = await (await fetch(new URL("/metrics", serve.url))).text();
        const relayed = Number(/^sluice_relayed_requests_total (.*)$/m.exec(shown)![1]);
        await proxy[Symbol.asyncDispose]();
        await serve[Symbol.asyncDispose]();
        assert.ok(relayed > 0, `none of ${proxy.requests} requests was relayed`);
      },
    };
  },
};

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "an SDK client uses all of server-everything, whichever worker its requests reach",
  ignore,
  fn: (t) => travel(OVER_WORKERS, t),
});

Deno.test({
  name: "client 2.4.0, mode legacy, uses all of server-everything, whichever worker it reaches",
  ignore,
  fn: (t) => travelToEverything(OVER_WORKERS, "legacy", "legacy", t),
});

Deno.test({
  name: "what a client without sessions is asked comes back to the worker that holds its call",
  ignore,
  async fn() {
    await using door = await OVER_WORKERS.open(everythingServer());
    await using traveller = await connectModernClient(door, { mode: "modern" });
    for (let round = 0; round < ROUNDS; round++) {
      const said = await traveller.call("trigger-elicitation-request");
      assert.match(said, new RegExp(`Name: ${FORM.name}`));
    }
    const questions = traveller.asked.filter((method) => method === "elicitation/create");
    assert.equal(questions.length, ROUNDS); // the server may ask for roots besides, when it starts
  },
});
