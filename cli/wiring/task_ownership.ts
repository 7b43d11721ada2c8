/**
 * Tasks belong to who has begun them, whichever worker he reaches.
 *
 * @module
 */
import type { Policy } from "../../lib/core/handler.ts";
import type { UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { TaskOwner } from "../../lib/policy/task_owners.ts";
import type { Base } from "./base.ts";

/** Path at which workers ask each other about tasks of a server. */
const TASKS = "/tasks/";

/** The layer in front of one server; nothing before those of the gateway itself, which keep no tasks. */
export async function taskOwnership(
  { security: { siblings, report }, owned }: Base,
  { name, endpoints, sharing, pool, quorum }: UpstreamConfig,
): Promise<Policy[]> {
  if (endpoints.every(({ endpoint }) => endpoint.url.protocol === "builtin:")) return [];
  const { TaskOwners } = await import("../../lib/policy/task_owners.ts");
  const path = TASKS + encodeURIComponent(name);
  const owners = new TaskOwners({
    upstream: name,
    isShared: sharing === "shared" || pool !== undefined || quorum,
    report,
    elsewhere: async (taskId) => {
      if (!siblings.exist) return undefined;
      const known = await siblings.askAll(path, taskId);
      return known.find((owner) => owner !== null) as TaskOwner | undefined;
    },
  });
  const end = siblings.answers(path, (taskId) => JSON.stringify(owners.ownerOf(taskId) ?? null));
  owned.push({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
  return [owners.policy];
}
