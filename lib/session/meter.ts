/**
 * What is counted of the messages of one transport.
 *
 * @module
 */
import type { Batch } from "../core/connection.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";

/** Counts what leaves. */
export interface Meter {
  /** A message goes to a client. */
  sent(message: Message): void;
}

/** Counts the messages of one transport. */
export interface TransportMeter extends Meter {
  /** Messages came from a client. */
  received(batch: Batch): void;
  /** Content that is no message came from a client. */
  badMessage(problem: GatewayError): void;
  /** A connection was accepted (1) or has ended (-1). */
  connections(change: 1 | -1): void;
}
