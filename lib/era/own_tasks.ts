/**
 * Tasks that one of several clients of a server has begun: the server tells all of them how each goes.
 *
 * Source: MCP specification 2025-11-25, basic/utilities/tasks.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Message } from "../core/message.ts";

/** Most that are remembered of one client; the oldest are forgotten, and their news with them. */
const REMEMBERED_MAX = 1000;
/** Answers that stand for a task are short. */
const ANSWER_BYTES_MAX = 64 * 1024;
const TASK_ID = Buffer.from('"taskId"');

/** Of one client. */
export class OwnTasks {
  readonly #ids = new Set<unknown>();

  /** From the answer to a call of the client. */
  learn({ method }: Message, answer: Message): void {
    const { bytes } = answer;
    if (method !== "tools/call" || bytes.length > ANSWER_BYTES_MAX) return;
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(TASK_ID)) return;
    const taskId: unknown = answer.json().result?.task?.taskId;
    if (typeof taskId !== "string") return;
    if (this.#ids.size >= REMEMBERED_MAX) {
      const [oldest] = this.#ids;
      this.#ids.delete(oldest);
    }
    this.#ids.add(taskId);
  }

  /** Whether a notification is about one of them. */
  concerns(message: Message): boolean {
    return this.#ids.has(message.json().params?.taskId);
  }
}
