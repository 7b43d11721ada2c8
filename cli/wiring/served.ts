/**
 * What answers the calls, exchanged server by server while the gateway runs.
 *
 * @module
 */
import type { OutboxOptions } from "../../lib/core/outbox.ts";
import type { Upstream } from "../../lib/core/upstream.ts";
import { isSame } from "../../lib/config/difference.ts";
import type { UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { Aggregate } from "../../lib/router/aggregate.ts";
import type { MemberOptions } from "../../lib/router/member.ts";
import type { Switchable } from "../../lib/router/switchable.ts";
import type { Base } from "./base.ts";
import { aggregateOf, memberUpstream, singleUpstream } from "./upstreams.ts";

/** A server, and what was made of it; nothing where it is the only one. */
interface ServedServer {
  readonly config: UpstreamConfig;
  readonly member?: MemberOptions;
}

/** What stands at the end of the path at one time. */
interface Target {
  readonly upstream: Upstream;
  readonly aggregate?: Aggregate;
  readonly servers: readonly ServedServer[];
}

/** The servers of a configuration: a single one as it is, several as one with prefixed names. */
export class Served {
  /** What answers, whatever that is at the time. */
  readonly upstream: Upstream;
  readonly #switchable: Switchable | undefined;
  readonly #buffer: Partial<OutboxOptions>;
  readonly #routed: readonly string[];
  #target: Target;

  private constructor(
    target: Target,
    switchable: Switchable | undefined,
    buffer: Partial<OutboxOptions>,
    routed: readonly string[],
  ) {
    this.#target = target;
    this.#switchable = switchable;
    this.upstream = switchable ?? target.upstream;
    this.#buffer = buffer;
    this.#routed = routed;
  }

  /**
   * Makes what a configuration says.
   *
   * @param buffer limits of what waits for one server
   */
  static async create(base: Base, buffer: Partial<OutboxOptions>): Promise<Served> {
    const target = await targetOf(base, buffer);
    const { file, upstreams } = base.config;
    if (file === undefined && upstreams.length === 1) {
      return new Served(target, undefined, buffer, []); // nothing can change
    }
    const { Switchable } = await import("../../lib/router/switchable.ts");
    const { ROUTED_METHODS } = await import("../../lib/router/router.ts");
    return new Served(target, new Switchable(target.upstream), buffer, ROUTED_METHODS);
  }

  /** Whether answers to a method are counted already, for the server that gave them. */
  isCounted(method: string): boolean {
    return this.#target.aggregate !== undefined && this.#routed.includes(method);
  }

  /**
   * Makes what another configuration needs, and changes nothing yet.
   *
   * @param base with the new configuration
   * @returns puts it in place
   */
  async prepare(base: Base): Promise<() => Promise<void>> {
    const { upstreams, limits } = base.config;
    const { servers, aggregate } = this.#target;
    if (isSame(servers.map(({ config }) => config), upstreams)) return () => Promise.resolve();
    if (aggregate !== undefined && upstreams.length > 1) {
      const next = await Promise.all(upstreams.map((config) => this.#serverOf(base, config)));
      return async () => {
        this.#target = { upstream: aggregate, aggregate, servers: next };
        await aggregate.update(next.map(({ member }) => member!), limits.drainMs);
      };
    }
    const target = await targetOf(base, this.#buffer);
    return () => {
      this.#target = target;
      this.#switchable!.switchTo(target.upstream, limits.drainMs);
      return Promise.resolve();
    };
  }

  /** The server that is there already, where nothing is different about it but which of its tools are shown. */
  async #serverOf(base: Base, config: UpstreamConfig): Promise<ServedServer> {
    const { tools } = config;
    const there = this.#target.servers.find((one) => isSame({ ...one.config, tools }, config));
    if (there?.member === undefined) {
      return { config, member: await memberUpstream(base, config, this.#buffer) };
    }
    return isSame(there.config, config) ? there : { config, member: { ...there.member, tools } };
  }
}

async function targetOf(base: Base, buffer: Partial<OutboxOptions>): Promise<Target> {
  const { upstreams } = base.config;
  if (upstreams.length === 1) {
    const upstream = await singleUpstream(base, upstreams[0], buffer);
    return { upstream, servers: [{ config: upstreams[0] }] };
  }
  const servers = await Promise.all(upstreams.map(async (config) => ({
    config,
    member: await memberUpstream(base, config, buffer),
  })));
  const aggregate = await aggregateOf(base, servers.map(({ member }) => member));
  return { upstream: aggregate, aggregate, servers };
}
