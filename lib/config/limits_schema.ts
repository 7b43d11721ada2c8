/**
 * Limits of the message path.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { bytes, count, ms } from "./schema_parts.ts";

const D = DEFAULTS.limits;

/** `sluice.limits`. */
export const limits = z.strictObject({
  messageBytes: bytes(1024, D.messageBytes, "largest message taken or sent"),
  jsonDepth: count(2, 1000, D.jsonDepth, "deepest nesting of a message", "levels"),
  bufferBytes: bytes(
    1024,
    D.bufferBytes,
    "outgoing bytes that may wait for one peer; one message always fits an empty buffer",
  ),
  bufferMessages: count(
    1,
    1_000_000,
    D.bufferMessages,
    "outgoing messages that may wait for one peer",
    "messages",
  ),
  connections: count(
    0,
    10_000_000,
    D.connections,
    "open connections of all listeners together; 0 stands for 45 % of the files the process may open",
    "connections",
  ),
  connectionsPerAddress: count(
    1,
    10_000_000,
    D.connectionsPerAddress,
    "open connections of one address (IPv6: of one /64 network); loopback has no such limit",
    "connections",
  ),
  firstMessageMs: ms(
    D.firstMessageMs,
    "a byte stream whose client is silent for so long before its first message is closed",
  ),
  sessions: count(1, 10_000_000, D.sessions, "live sessions of the gateway", "sessions"),
  sessionsPerPrincipal: count(
    1,
    10_000_000,
    D.sessionsPerPrincipal,
    "live sessions of a principal; of an address where nobody is proved, loopback has no such limit",
    "sessions",
  ),
  sessionIdleMs: ms(
    D.sessionIdleMs,
    "a session without a message or an open stream for so long ends",
  ),
  callDeadlineMs: ms(D.callDeadlineMs, "deadline of a call; progress extends it"),
  callDeadlineHardMs: ms(
    D.callDeadlineHardMs,
    "deadline of a call that progress cannot extend",
  ),
  drainMs: ms(D.drainMs, "hard end of a drain"),
});
