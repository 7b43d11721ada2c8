/**
 * One question to the admin routes of a gateway.
 *
 * @module
 */
import { SluiceError, TransportError, UsageError } from "../../lib/core/errors.ts";

/** Where a gateway is, and what proves that an operator asks. */
export interface GatewayAddress {
  readonly origin: string;
  readonly token?: string;
  /** Authorities that are believed besides those of the system, PEM. */
  readonly caCertificates?: string;
}

/** What is asked. */
export interface AdminQuestion {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: unknown;
  /** How long the answer may take, ms. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/**
 * Asks.
 *
 * @returns the JSON of the answer
 * @throws {TransportError} nobody answers
 * @throws {UsageError} the question makes no sense to the gateway
 * @throws {SluiceError} the gateway refuses
 */
export async function askGateway(
  { origin, token, caCertificates }: GatewayAddress,
  { method, path, body, timeoutMs = TIMEOUT_MS }: AdminQuestion,
): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json", "x-sluice-admin": "1" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  using client = Deno.createHttpClient({
    caCerts: caCertificates === undefined ? [] : [caCertificates],
  });
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${origin}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: "error",
      client,
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await answer.text();
  } catch (thrown) {
    throw new TransportError(`Cannot ask ${origin}: ${whyOf(thrown)}`);
  }
  if (answer.ok) return parsed(text, origin);
  throw refusal(answer.status, text, origin);
}

function refusal(status: number, text: string, origin: string): SluiceError {
  const why = whyIn(text) ?? `it answers ${status}`;
  if (status === 401 || status === 403) {
    return new UsageError(
      `Cannot ask ${origin}: ${why}`,
      "name the file of a token with --token-file, or ask on the gateway's own machine",
    );
  }
  if (status === 404) {
    return new UsageError(`Cannot ask ${origin}: ${why}`, "sluice admin connections lists clients");
  }
  if (status === 400) {
    return new UsageError(`Cannot ask ${origin}: ${why}`, "correct the arguments");
  }
  return new SluiceError(`Cannot ask ${origin}: ${why}`);
}

function parsed(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SluiceError(`Cannot ask ${origin}: its answer is no JSON; is it a gateway?`);
  }
}

function whyIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error.replace(/^Cannot [^:]*: /, "") : undefined;
  } catch {
    return undefined; // another server's page
  }
}

/** `fetch` wraps what the system says. */
function whyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "it does not answer in time";
  const cause = thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
  return /refused/i.test(cause) ? "connection refused" : cause.replace(/^.*: /, "");
}
