/**
 * Where the browser comes back to: one address of this machine, for one answer.
 *
 * Source: RFC 8252, 7.3 and 8.3.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { AuthorizationProblem } from "./problem.ts";

/** Path that the browser is sent back to. */
export const CALLBACK_PATH = "/callback";

/** Answers with a wrong state: somebody guesses, and the login is given up. */
const WRONG_STATES_MAX = 20;
const CONNECTIONS_MAX = 16;
const REQUEST_MS = 10_000;
/** So long the last page may take to arrive, ms. */
const LAST_PAGE_MS = 1000;

/** A listener for one login. Dispose it in any case. */
export class Callback implements AsyncDisposable {
  readonly redirectUri: string;
  readonly #server: http.Server;
  readonly #answered = Promise.withResolvers<URLSearchParams>();
  readonly #host: string;
  #state: string | undefined;
  #wrongStates = 0;

  private constructor(server: http.Server, host: string) {
    this.#server = server;
    this.#host = `${host}:${(server.address() as AddressInfo).port}`;
    this.redirectUri = `http://${this.#host}${CALLBACK_PATH}`;
    this.#answered.promise.catch(() => {}); // whoever waits is told
    server.on("request", (request, response) => this.#take(request, response));
  }

  /**
   * Listens on 127.0.0.1.
   *
   * @param host how the browser is to call this machine
   * @param port 0 for any that is free
   * @returns `undefined` when the port is taken
   */
  static async listen(host: string, port: number): Promise<Callback | undefined> {
    const server = http.createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS });
    server.maxConnections = CONNECTIONS_MAX;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(true));
    return await promise ? new Callback(server, host) : undefined;
  }

  /** Resolves with the parameters of the answer to this state. */
  async answerTo(state: string, signal: AbortSignal): Promise<URLSearchParams> {
    this.#state = state;
    const abort = () => this.#answered.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await this.#answered.promise;
    } finally {
      this.#state = undefined;
      signal.removeEventListener("abort", abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const late = setTimeout(() => this.#server.closeAllConnections(), LAST_PAGE_MS);
    await closed;
    clearTimeout(late);
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    request.resume();
    // A name that was made to lead here would be another origin's page.
    if (request.headers.host !== this.#host) return say(response, 421, UNKNOWN);
    if (request.method !== "GET") return say(response, 405, UNKNOWN);
    const [path, query = ""] = (request.url ?? "").split("?", 2);
    if (path !== CALLBACK_PATH) return say(response, 404, UNKNOWN);
    const parameters = new URLSearchParams(query);
    if (!isSame(parameters.getAll("state"), this.#state)) {
      say(response, 400, UNKNOWN);
      if (++this.#wrongStates < WRONG_STATES_MAX) return;
      this.#answered.reject(
        new AuthorizationProblem("too many answers of a login that is not ours"),
      );
      return;
    }
    this.#state = undefined; // one answer
    say(response, 200, DONE); // an error is not shown before its issuer is known
    this.#answered.resolve(parameters);
  }
}

function isSame(given: readonly string[], wanted: string | undefined): boolean {
  if (wanted === undefined || given.length !== 1) return false;
  const [one, other] = [given[0], wanted].map((text) => new TextEncoder().encode(text));
  return one.length === other.length && timingSafeEqual(one, other);
}

const DONE = "Sluice has the answer. You can close this window.";
const UNKNOWN = "There is nothing here.";

/** Nothing of the request is shown, and nothing is loaded from anywhere. */
function say(response: http.ServerResponse, status: number, text: string): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sluice</title>` +
    `<body style="font: 1.2em sans-serif; margin: 4em"><p>${text}</p></body></html>`;
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-length": page.length,
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(page);
}
