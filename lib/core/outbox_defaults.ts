/**
 * Limits of an outbox where nothing else is said.
 *
 * @module
 */
import { PROCESS_BUFFERS } from "./buffer_budget.ts";
import {
  ADMISSION_WAIT_MS,
  BUFFER_BYTES_MAX,
  BUFFER_MESSAGES_MAX,
  CLOSE_FLUSH_MS,
  QUEUE_BYTES_MAX,
  QUEUE_MESSAGES_MAX,
  WRITE_STALL_MS,
} from "./limits.ts";
import type { OutboxOptions } from "./outbox.ts";

/** The defaults of docs/limits.md; all outboxes of the process share one budget. */
export const OUTBOX_DEFAULTS: OutboxOptions = {
  bufferBytesMax: BUFFER_BYTES_MAX,
  bufferMessagesMax: BUFFER_MESSAGES_MAX,
  writeStallMs: WRITE_STALL_MS,
  closeFlushMs: CLOSE_FLUSH_MS,
  queueMessagesMax: QUEUE_MESSAGES_MAX,
  queueBytesMax: QUEUE_BYTES_MAX,
  admissionWaitMs: ADMISSION_WAIT_MS,
  budget: PROCESS_BUFFERS,
};
