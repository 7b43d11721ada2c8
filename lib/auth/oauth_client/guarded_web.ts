/**
 * HTTP to addresses that a server named, which may mean harm: only where it may lead, to the address that was
 * checked, and never more than a document's worth.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { hostOf, isThisMachine, type Reach, reachOf } from "./addresses.ts";
import { AuthorizationProblem } from "./problem.ts";

/** What may be reached on behalf of one server. */
export interface GuardedWebOptions {
  /** The server whose metadata is followed. */
  readonly upstream: URL;
  /** Whether a public server may name addresses of a private network. */
  readonly allowPrivateNetworks: boolean;
  /** Certificates of authorities that are trusted besides those of the system, PEM. */
  readonly ca?: string;
  /** All addresses of a name; the system's resolver where it is left out. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly signal?: AbortSignal;
}

/** Of one document. */
const BODY_BYTES_MAX = 256 * 1024;
/** From the look-up of the name to the last byte. */
const REQUEST_MS = 10_000;
const REDIRECTS_MAX = 3;
/** More addresses of one name are not tried. */
const ADDRESSES_MAX = 4;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** One request, in the form that oauth4webapi hands over. */
export interface WebRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams | Uint8Array | null;
  readonly signal?: AbortSignal;
}

/** A web that ends where the rules do. */
export class GuardedWeb {
  readonly #options: GuardedWebOptions;

  constructor(options: GuardedWebOptions) {
    this.#options = options;
  }

  /**
   * Sends a request. A GET follows redirects within its origin.
   *
   * @throws {AuthorizationProblem} an address that must not be reached, no answer in time, or too large a one
   */
  readonly fetch = async (address: string, request: WebRequest = {}): Promise<Response> => {
    let url = new URL(address);
    for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
      const answer = await this.#exchange(url, request);
      const location = answer.headers.get("location");
      const isGet = (request.method ?? "GET").toUpperCase() === "GET";
      if (!REDIRECTS.includes(answer.status) || location === null || !isGet) return answer;
      if (!URL.canParse(location, url)) throw problem(url, "it redirects to what is no address");
      const next = new URL(location, url);
      if (next.origin !== url.origin) throw problem(url, "it redirects to another origin");
      url = next;
    }
    throw problem(url, `it redirects more than ${REDIRECTS_MAX} times`);
  };

  /**
   * Checks a URL that is to be opened in a browser, as far as that can be done without a look-up.
   *
   * @throws {AuthorizationProblem}
   */
  checkScheme(url: URL): void {
    if (url.username !== "" || url.password !== "") throw problem(url, "it holds credentials");
    if (url.protocol === "https:") return;
    const isHere = isThisMachine(url) && isThisMachine(this.#options.upstream);
    if (url.protocol !== "http:" || !isHere) throw problem(url, "it is no https address");
  }

  async #exchange(url: URL, request: WebRequest): Promise<Response> {
    this.checkScheme(url);
    const signals = [AbortSignal.timeout(REQUEST_MS), request.signal, this.#options.signal];
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
    let failure: unknown;
    for (const address of await this.#addresses(url, signal)) {
      try {
        return await exchangeWith(address, url, request, signal, this.#options.ca);
      } catch (error) {
        if (error instanceof AuthorizationProblem) throw error;
        failure = error;
        if (signal.aborted || !isUnconnected(error)) break;
      }
    }
    throw problem(url, signal.aborted ? "it does not answer in time" : reasonOf(failure));
  }

  /** The addresses of a host, all of them checked: a name with one bad address is refused. */
  async #addresses(url: URL, signal: AbortSignal): Promise<readonly string[]> {
    const host = hostOf(url);
    const found = isIP(host) !== 0 ? [host] : await this.#lookUp(host, url, signal);
    if (found.length === 0) throw problem(url, "its name has no address");
    const isOwn = url.host === this.#options.upstream.host;
    for (const address of found) {
      const reach = reachOf(address);
      if (!isOwn && !this.#mayReach(reach)) {
        throw problem(url, `${REACH_WORDS[reach]}, which a server's metadata must not lead to`);
      }
    }
    return found.slice(0, ADDRESSES_MAX);
  }

  async #lookUp(host: string, url: URL, signal: AbortSignal): Promise<readonly string[]> {
    const resolve = this.#options.resolve ?? systemResolve;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const abort = () => reject(problem(url, "its name cannot be looked up in time"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await Promise.race([resolve(host), late]);
    } catch (error) {
      if (error instanceof AuthorizationProblem) throw error;
      throw problem(url, "its name cannot be looked up");
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #mayReach(reach: Reach): boolean {
    const { upstream, allowPrivateNetworks } = this.#options;
    if (reach === "public") return true;
    if (isThisMachine(upstream)) return reach !== "nowhere";
    return reach === "private" &&
      (allowPrivateNetworks || reachOf(hostOf(upstream)) === "private");
  }
}

const REACH_WORDS: Readonly<Record<Reach, string>> = {
  public: "it has a public address",
  private: "it has an address of a private network",
  loopback: "it has an address of this machine",
  nowhere: "it has an address that belongs to no host",
};

async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Sends to the address itself: what the name resolves to by now does not matter any more. */
function exchangeWith(
  address: string,
  url: URL,
  { method = "GET", headers = {}, body }: WebRequest,
  signal: AbortSignal,
  ca: string | undefined,
): Promise<Response> {
  const bytes = bytesOf(body);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const isSecure = url.protocol === "https:";
  const host = hostOf(url);
  const options: https.RequestOptions = {
    host: address,
    port: Number(url.port || (isSecure ? 443 : 80)),
    path: url.pathname + url.search,
    method,
    agent: false,
    headers: {
      ...headers,
      host: url.host,
      connection: "close",
      "accept-encoding": "identity",
      ...bytes && { "content-length": bytes.length },
    },
    ...isSecure && isIP(host) === 0 && { servername: host },
    ...isSecure && ca !== undefined && { ca },
  };
  const hungUp = () => reject(new Error("it closed the connection"));
  const request = (isSecure ? https : http).request(options, (answer) => {
    request.off("close", hungUp); // it may come before the end of the answer
    collect(answer, url).then(resolve, reject).finally(() => request.destroy());
  });
  const abort = () => request.destroy(new Error("it does not answer in time"));
  signal.addEventListener("abort", abort, { once: true });
  request.on("error", reject).on("close", hungUp);
  if (signal.aborted) abort();
  request.end(bytes);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

async function collect(answer: http.IncomingMessage, url: URL): Promise<Response> {
  const encoding = answer.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw problem(url, "its answer is compressed, unasked");
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    if ((length += chunk.length) > BODY_BYTES_MAX) {
      throw problem(url, `its answer is larger than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  if (!answer.complete) throw problem(url, "its answer breaks off");
  const headers = new Headers();
  for (const name of ["content-type", "location", "www-authenticate", "date"]) {
    const value = answer.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const status = answer.statusCode!;
  if (status < 200 || status > 599) throw problem(url, `it answers with status ${status}`);
  const isEmpty = [204, 205, 304].includes(status);
  return new Response(isEmpty ? null : await new Blob(chunks as BlobPart[]).bytes(), {
    status,
    headers,
  });
}

function bytesOf(body: WebRequest["body"]): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  return body instanceof Uint8Array ? body : new TextEncoder().encode(String(body));
}

function isUnconnected(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall === "connect";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "it cannot be reached";
}

/** The address without its query, which may hold a secret. */
function problem(url: URL, why: string): AuthorizationProblem {
  const host = url.host === "" ? "" : `//${url.host}`;
  return new AuthorizationProblem(`${url.protocol}${host}${url.pathname.slice(0, 200)}: ${why}`);
}
