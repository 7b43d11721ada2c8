/**
 * What the endpoint behind a connection is told of the questions asked over it, and what it says in turn.
 *
 * @module
 */
import type { Permit } from "../core/circuit.ts";
import type { Connection } from "../core/connection.ts";
import type { Message } from "../core/message.ts";

/** The endpoint's interest in one connection. */
export interface ConnectionWatch {
  /** Whether new questions should go over this connection, as far as the endpoint is concerned. */
  readonly usable: boolean;
  /** Failures of the endpoint so far. */
  readonly failures: number;
  /**
   * Leave to ask one question.
   *
   * @throws {GatewayError} NoHealthyUpstream while the endpoint is left alone
   */
  begin(): Permit;
  /**
   * The question was answered.
   *
   * @param failures of the endpoint when the question was asked
   */
  answered(permit: Permit, answer: Message, failures: number): void;
  /** The question failed. */
  failed(permit: Permit, error: unknown): void;
  /** Told when there is a better endpoint to move to. */
  onSuperseded: (() => void) | undefined;
  /** Asks the server whether it is there, set by whoever uses the connection; not under the eyes of the endpoint. */
  ping?: () => Promise<unknown>;
  /** Which endpoint it is, to be told from others. */
  readonly where?: unknown;
  /** Whether a program was started for it. */
  readonly isProcess?: boolean;
  /** The endpoint does not do: others are to be used, where there are any. */
  condemn?(): void;
}

/** A connection, and who wants to know how it does. */
export interface DialledConnection extends Connection {
  readonly watch?: ConnectionWatch;
}

/** Opens a connection to the server. */
export interface Dial {
  (signal: AbortSignal): Promise<DialledConnection>;
  /**
   * Whether a circuit has done the waiting between tries already.
   *
   * @throws {GatewayError} NoHealthyUpstream: it is still waiting
   */
  readonly isPaced?: () => boolean;
}

/** Asks one question under the eyes of the endpoint, where there is one. */
export function watched(
  watch: ConnectionWatch | undefined,
  ask: () => Promise<Message>,
): Promise<Message> {
  return watch === undefined ? ask() : under(watch, ask);
}

async function under(watch: ConnectionWatch, ask: () => Promise<Message>): Promise<Message> {
  const permit = watch.begin();
  const { failures } = watch;
  try {
    const answer = await ask();
    watch.answered(permit, answer, failures);
    return answer;
  } catch (error) {
    watch.failed(permit, error);
    throw error;
  }
}

/**
 * The same connection, watched.
 *
 * @param onEnd told when its owner ends it
 */
export function withWatch(
  connection: Connection,
  watch: ConnectionWatch | undefined,
  onEnd?: (how: "disposed" | "aborted") => void,
): DialledConnection {
  return {
    kind: "connection",
    get readable() { // streams of connections are made when somebody asks for them
      return connection.readable;
    },
    get writable() {
      return connection.writable;
    },
    direct: connection.direct,
    peer: connection.peer,
    closed: connection.closed,
    watch,
    abort(reason) {
      onEnd?.("aborted");
      connection.abort(reason);
    },
    [Symbol.asyncDispose]() {
      onEnd?.("disposed");
      return connection[Symbol.asyncDispose]();
    },
  };
}
