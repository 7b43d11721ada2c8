/**
 * Whose a task is. A server that several clients share, or that is asked in the name of the gateway, cannot tell
 * its clients apart; so the layer in front of it remembers who has begun each task, and refuses whoever else
 * names it, in the words for a task that never was.
 *
 * Source: MCP specification 2025-11-25, basic/utilities/tasks, security considerations; CVE-2026-52870.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { identityOf } from "../core/account.ts";
import { Slot } from "../core/envelope.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import { itemsOfAnswer, withItems } from "../core/item_list.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { SecurityEvents } from "../core/security_event.ts";

/** Who has begun a task. */
export interface TaskOwner {
  /** `""` for clients that have proved nothing. */
  readonly principal: string;
  /** `""` where clients keep none. */
  readonly sessionId: string;
}

/** What a layer works with. */
export interface TaskOwnersOptions {
  /** Name of the server, for reports. */
  readonly upstream: string;
  /** Whether its clients, proved or not, are one to it. */
  readonly isShared: boolean;
  readonly report?: SecurityEvents;
  /** Asks other gateways of the same group who has begun a task. */
  readonly elsewhere?: (taskId: string) => Promise<TaskOwner | undefined>;
  /** Tasks that are remembered; the oldest are forgotten, each takes about 300 bytes. */
  readonly tasksMax?: number;
}

const TASKS_MAX = 50_000;
/** Ids that a listen stream may name; one with more names tasks that cannot all be its client's. */
const LISTENED_MAX = 1000;
const LISTEN = "subscriptions/listen";
const TASK_IDS = Buffer.from('"taskIds"'), TASK_ID = Buffer.from('"taskId"');
/** In what a server with a handshake says that it can do. */
const TASKS = Buffer.from('tasks"');

/** See the module. */
export class TaskOwners {
  /** The layer in front of the server. */
  readonly policy: Policy = (next) => (call) => this.#handle(call, next);
  readonly #options: TaskOwnersOptions;
  readonly #owners = new Map<string, TaskOwner>();
  /** Whether a server with a handshake has said that it keeps tasks. */
  #hasTasks = false;

  constructor(options: TaskOwnersOptions) {
    this.#options = options;
  }

  /** Who has begun a task here. */
  ownerOf(taskId: string): TaskOwner | undefined {
    return this.#owners.get(taskId);
  }

  #handle(call: Call, next: Handler): Promise<Message | undefined> {
    switch (call.message.method) {
      case "tasks/get":
      case "tasks/result":
      case "tasks/cancel":
      case "tasks/update":
        return this.#afterCheck(call, next, [call.message.json().params?.taskId]);
      case "tasks/list":
        return next(call).then((answer) => answer && this.#listed(call, answer));
      case LISTEN:
        return this.#afterCheck(call, next, listenedTo(call.message));
      case "initialize":
        return next(call).then((answer) => {
          if (answer !== undefined && holds(answer.bytes, TASKS)) this.#hasTasks = true;
          return answer;
        });
      case "tools/call":
        if (!this.#hasTasks && call.message.startOf(Slot.protocolVersion) < 0) break;
        return next(call).then((answer) => {
          if (answer !== undefined) this.#learn(call, answer);
          return answer;
        });
    }
    return next(call);
  }

  /** @throws {GatewayError} InvalidParams */
  async #afterCheck(
    call: Call,
    next: Handler,
    taskIds: readonly unknown[],
  ): Promise<Message | undefined> {
    for (const taskId of taskIds) {
      if (typeof taskId !== "string") throw unknownTask();
      await this.#check(call, taskId);
    }
    return await next(call);
  }

  async #check(call: Call, taskId: string): Promise<void> {
    const asking = principalOf(call);
    const owner = this.#owners.get(taskId) ?? await this.#options.elsewhere?.(taskId);
    if (owner?.principal === asking) return;
    if (owner === undefined && asking === "") return; // whoever proves nothing has nothing but the id
    if (owner !== undefined) {
      this.#options.report?.({
        type: "foreign_session",
        address: call.request.address,
        ...(asking !== "" && { principal: asking }),
        upstream: this.#options.upstream,
        detail: "a task of another client",
      });
    }
    throw unknownTask();
  }

  #learn(call: Call, answer: Message): void {
    const isModern = answer.resultType === "task";
    if (!isModern && (!this.#hasTasks || !holds(answer.bytes, TASK_ID))) return;
    const result = new RawObject(answer.bytes).object("result");
    const taskId = (isModern ? result : result.object("task")).value("taskId");
    if (typeof taskId !== "string" || this.#owners.has(taskId)) return;
    const max = this.#options.tasksMax ?? TASKS_MAX;
    if (this.#owners.size >= max) {
      const [oldest] = this.#owners.keys();
      this.#owners.delete(oldest);
    }
    this.#owners.set(taskId, { principal: principalOf(call), sessionId: call.session.id });
  }

  /** The list without the tasks of others. */
  #listed(call: Call, answer: Message): Message {
    const principal = principalOf(call), sessionId = call.session.id;
    if (answer.isError || (principal === "" && !this.#options.isShared)) return answer;
    const isOwn = (owner: TaskOwner | undefined) => {
      if (owner?.principal !== principal) return false;
      return principal !== "" || (sessionId !== "" && owner.sessionId === sessionId);
    };
    const items = itemsOfAnswer(answer, "tasks");
    const own = items.filter((raw) => isOwn(this.#owners.get(idOf(raw))));
    return own.length === items.length ? answer : withItems(answer, "tasks", own);
  }
}

function principalOf(call: Call): string {
  return identityOf(call)?.principal ?? "";
}

function idOf(raw: Uint8Array): string {
  const taskId = raw[0] === OPEN_BRACE ? new RawObject(raw).value("taskId") : undefined;
  return typeof taskId === "string" ? taskId : "";
}

function listenedTo(message: Message): readonly unknown[] {
  if (!holds(message.bytes, TASK_IDS)) return NONE;
  const taskIds: unknown = message.json().params?.notifications?.taskIds;
  if (taskIds === undefined) return NONE;
  return Array.isArray(taskIds) && taskIds.length <= LISTENED_MAX ? taskIds : [undefined];
}

/** Whether bytes hold others; a buffer finds them at 4 GB/s. */
function holds(bytes: Uint8Array, wanted: Buffer): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(wanted);
}

function unknownTask(): GatewayError {
  return new GatewayError("InvalidParams", "Cannot find task: it is unknown or has ended", {
    status: 200,
  });
}

const NONE: readonly unknown[] = [];
const OPEN_BRACE = 0x7b;
