/**
 * Events of the gateway, by `fetch`: unlike EventSource it can show a token.
 *
 * @module
 */

const TOKEN_KEY = "sluice-token";
const RETRY_MS = [1000, 2000, 4000, 8000];
/** Without an event for so long the connection is taken for lost, ms. */
const SILENCE_MS = 6000;

/** The token of this tab. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY),
  set: (text) => sessionStorage.setItem(TOKEN_KEY, text),
  forget: () => sessionStorage.removeItem(TOKEN_KEY),
};

/**
 * Reads events for as long as the page is open; comes back when the connection is lost.
 *
 * @param on `state(name, detail)` for connecting, live, lost, ended, locked, full; `event(name, data)`
 * @returns wakes it up: after a token was given, or to try again at once
 */
export function follow(url, on) {
  let wake = () => {};
  const sleep = (ms) =>
    new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  (async () => {
    for (let failures = 0;;) {
      const outcome = await once(url, on, () => failures = 0);
      if (outcome === "locked") {
        on.state("locked", token.get() === null ? "" : "This token is not known.");
        token.forget();
        await sleep(undefined);
        continue;
      }
      if (outcome === "ended") on.state("ended");
      else on.state(outcome === "full" ? "full" : "lost");
      await sleep(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    }
  })();
  return () => wake();
}

async function once(url, on, alive) {
  const controller = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), SILENCE_MS);
  };
  try {
    heard();
    const secret = token.get();
    const headers = secret === null ? {} : { authorization: `Bearer ${secret}` };
    const answer = await fetch(url, { headers, signal: controller.signal, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) return "locked";
    if (answer.status === 503) return "full";
    if (!answer.ok) return "lost";
    let outcome = "lost";
    for await (const [name, data] of eventsOf(answer.body, heard)) {
      alive();
      if (name === "end") outcome = "ended";
      else on.event(name, data);
    }
    return outcome;
  } catch {
    return "lost"; // whatever the reason, the answer is to try again
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

async function* eventsOf(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event)?.[1];
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (name !== undefined && data !== undefined) yield [name, JSON.parse(data)];
    }
  }
}
