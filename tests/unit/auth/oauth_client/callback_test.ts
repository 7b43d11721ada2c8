import assert from "node:assert/strict";
import http from "node:http";
import { Callback } from "../../../../lib/auth/oauth_client/callback.ts";

const NEVER = new AbortController().signal;

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** `fetch` lets nobody choose the Host. */
function get(url: string, { method = "GET", host }: { method?: string; host?: string } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    const request = http.request(url, { method, headers, agent: false }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode!, headers: answer.headers, text });
    });
    request.on("error", reject).end();
  });
}

async function listening(): Promise<Callback> {
  return (await Callback.listen("127.0.0.1", 0))!;
}

Deno.test("Callback takes one answer to its state, and no other", async () => {
  await using callback = await listening();
  const answered = callback.answerTo("right", NEVER);
  for (const query of ["", "?state=", "?state=wrong", "?state=right&state=right", "?code=x"]) {
    assert.equal((await get(callback.redirectUri + query)).status, 400, query);
  }
  assert.equal((await get(`${callback.redirectUri}?state=right&code=c&iss=i`)).status, 200);
  assert.equal((await answered).get("code"), "c");
  assert.equal((await get(`${callback.redirectUri}?state=right&code=d`)).status, 400);
});

Deno.test("Callback answers no other host, path or method", async () => {
  await using callback = await listening();
  const answered = callback.answerTo("s", NEVER);
  const good = `${callback.redirectUri}?state=s&code=c`;
  assert.equal((await get(good, { host: "evil.test" })).status, 421);
  assert.equal((await get(good, { host: "127.0.0.1" })).status, 421);
  assert.equal((await get(good, { method: "POST" })).status, 405);
  assert.equal((await get(good.replace("/callback", "/callback/x"))).status, 404);
  assert.equal((await get(good)).status, 200);
  await answered;
});

Deno.test("Callback shows nothing of the request, and loads nothing", async () => {
  await using callback = await listening();
  const answered = callback.answerTo("s", NEVER);
  const attack = encodeURIComponent("<script>alert(1)</script>");
  const { text, headers } = await get(`${callback.redirectUri}?state=s&error=${attack}`);
  assert.ok(!text.includes("alert") && !/https?:|src=|href=/.test(text), text);
  assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal((await answered).get("error"), "<script>alert(1)</script>");
});

Deno.test("Callback gives up when somebody guesses", async () => {
  await using callback = await listening();
  const answered = assert.rejects(callback.answerTo("s", NEVER), /not ours/);
  for (let guess = 0; guess < 20; guess++) await get(`${callback.redirectUri}?state=${guess}`);
  await answered;
});

Deno.test("Callback.listen() tells when the port is taken", async () => {
  await using callback = await listening();
  const port = Number(new URL(callback.redirectUri).port);
  assert.equal(await Callback.listen("127.0.0.1", port), undefined);
  assert.equal(new URL(callback.redirectUri).hostname, "127.0.0.1");
});

Deno.test("Callback waits until the signal aborts", async () => {
  await using callback = await listening();
  const stopped = new AbortController();
  const answered = callback.answerTo("s", stopped.signal);
  stopped.abort(new Error("enough"));
  await assert.rejects(answered, /enough/);
});
