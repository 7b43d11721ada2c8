/**
 * A question to another worker over a connection that is kept for the next one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { TransportError } from "../../lib/core/errors.ts";
import { PASSPORT_HEADER } from "./passport.ts";
import type { RelayConnection } from "./relay_connection.ts";

/** What is asked, and how. */
export interface WorkerQuestion {
  readonly path: string;
  readonly body: string;
  /** Proves that one of us asks. */
  readonly passport: string;
  /** No answer by then is none, ms. */
  readonly timeoutMs: number;
  /** Longest answer, bytes. */
  readonly bytesMax: number;
  /** The connection can take another. */
  readonly onReusable: (connection: RelayConnection) => void;
}

const OK = 200;

/**
 * Asks.
 *
 * @throws {TransportError} no answer in time, or none that helps; then the connection is closed
 */
export function askOver(connection: RelayConnection, question: WorkerQuestion): Promise<string> {
  const { path, passport, timeoutMs, bytesMax, onReusable } = question;
  const body = Buffer.from(question.body);
  const parts: Uint8Array[] = [];
  let byteLength = 0, status = 0;
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      connection.destroy();
      reject(new TransportError(`Cannot ask worker: ${why}`));
    };
    const timer = setTimeout(() => fail("it does not answer in time"), timeoutMs);
    const head = `POST ${path} HTTP/1.1\r\nhost: worker\r\n${PASSPORT_HEADER}: ${passport}\r\n` +
      `content-length: ${body.length}\r\n\r\n`;
    connection.ask(head, true, {
      head: (head) => void (status = head.status),
      body(part) {
        parts.push(part);
        if ((byteLength += part.length) > bytesMax) fail("its answer is too long");
        return true;
      },
      done(isReusable) {
        if (status !== OK) return fail(`it answers ${status}`);
        clearTimeout(timer);
        if (isReusable) onReusable(connection);
        else connection.destroy();
        resolve(Buffer.concat(parts).toString());
      },
      failed: (wasConnected) => fail(wasConnected ? "it has gone" : "it is not there"),
    });
    connection.write(body, () => {});
  });
}
