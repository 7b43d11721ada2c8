/**
 * Makes what answers the calls: one server, or several behind one endpoint.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { UPSTREAM_CALLS_OPEN_MAX } from "../lib/core/limits.ts";
import type { Endpoint } from "../lib/core/connection.ts";
import type { Message } from "../lib/core/message.ts";
import type { Era } from "../lib/core/eras.ts";
import type { OutboxOptions } from "../lib/core/outbox.ts";
import type { Upstream } from "../lib/core/upstream.ts";
import type { UpstreamConfig } from "../lib/config/gateway_config.ts";
import type { Eras } from "../lib/config/schema.ts";
import type { MakeMember } from "../lib/upstream/pool/pool_options.ts";
import { EraConversations } from "../lib/era/conversations.ts";
import type { Base } from "./base.ts";
import { aggregateEvents, linkEvents } from "./instrument.ts";
import { behind, reach } from "./reach.ts";
import { VERSION } from "./version.ts";

/** Name of the whole where several servers stand behind it. */
export const AGGREGATE = "sluice";

/** What answers the calls. */
export interface Serving {
  readonly upstream: Upstream;
  /** Whether answers to a method are counted already, for the server that gave them. */
  isCounted(method: string): boolean;
}

/**
 * The upstream of a configuration: a single server as it is, several as one with prefixed names.
 *
 * @param buffer limits of what waits for one server
 */
export async function createUpstream(
  base: Base,
  buffer: Partial<OutboxOptions>,
): Promise<Serving> {
  const { upstreams } = base.config;
  if (upstreams.length === 1) {
    const open = await opener(base, upstreams[0], buffer);
    return { upstream: await showing(upstreams[0], open()), isCounted: () => false };
  }
  const { Aggregate } = await import("../lib/router/aggregate.ts");
  const { ROUTED_METHODS } = await import("../lib/router/router.ts");
  const members = await Promise.all(upstreams.map(async (config) => ({
    ...config,
    open: await opener(base, config, buffer),
    fingerprint: fingerprintOf(config.endpoints.map(({ endpoint }) => endpoint)),
  })));
  const aggregate = new Aggregate({
    name: AGGREGATE,
    version: VERSION,
    members,
    searchTool: base.config.aggregate.searchTool,
    store: await catalogueFiles(base),
    events: aggregateEvents(base.metrics, base.registry, base.log.child("aggregate")),
  });
  await aggregate.start();
  return { upstream: aggregate, isCounted: (method) => ROUTED_METHODS.includes(method) };
}

/** A single server without the tools that are hidden. */
async function showing({ tools }: UpstreamConfig, upstream: Upstream): Promise<Upstream> {
  if (tools.allow === undefined && tools.deny === undefined) return upstream;
  const { toolFilter } = await import("../lib/router/tool_filter.ts");
  const { guarded } = await import("../lib/policy/guarded.ts");
  return guarded(upstream, [toolFilter(tools)]);
}

/** How to make the upstream of one server, as often as it is needed. */
async function opener(
  base: Base,
  config: UpstreamConfig,
  buffer: Partial<OutboxOptions>,
  onToolsChanged = () => {},
): Promise<() => Upstream> {
  const { endpoint, name } = config;
  if (config.quorum) return await quorumOpener(base, config, buffer);
  if (config.endpoints.length === 1 && endpoint.url.href === "builtin:echo") {
    const { echoUpstream } = await import("../lib/upstream/echo.ts");
    return () => echoUpstream(name, VERSION);
  }
  const { limits } = base.config;
  const way = await reach(base, config);
  const events = {
    ...linkEvents(base.metrics, base.log.child("upstream"), name),
    toolsChanged() {
      way.safety.forget();
      onToolsChanged();
    },
  };
  const linkOptions = {
    callDeadlineMs: limits.callDeadlineMs,
    callDeadlineHardMs: limits.callDeadlineHardMs,
    callsOpenMax: UPSTREAM_CALLS_OPEN_MAX,
    buffer,
  };
  const conversations = () => new EraConversations(onlyEra(config.era));
  if (config.pool !== undefined || config.sharing === "shared") {
    const { SharedUpstream } = await import("../lib/upstream/shared.ts");
    const shared = () => new SharedUpstream(name, way.dial, events, linkOptions, conversations());
    const open = config.pool === undefined ? shared : await pooled(base, config, shared);
    return () => behind(way, open());
  }
  const { PerSessionUpstream } = await import("../lib/upstream/per_session.ts");
  return () =>
    behind(way, new PerSessionUpstream(name, way.dial, events, linkOptions, conversations()));
}

/** Several of what serves all clients alone, as one. */
async function pooled(
  base: Base,
  { name, pool }: UpstreamConfig,
  member: MakeMember,
): Promise<() => Upstream> {
  const { Pool } = await import("../lib/upstream/pool/pool.ts");
  const { poolEvents } = await import("../lib/upstream/pool/pool_metrics.ts");
  const events = poolEvents(base.registry, base.log.child("pool"), name);
  return () => new Pool(name, pool!, member, events);
}

/** Several servers, of which the majority is believed; each has one connection for all clients. */
async function quorumOpener(
  base: Base,
  config: UpstreamConfig,
  buffer: Partial<OutboxOptions>,
): Promise<() => Upstream> {
  const { Multiplex } = await import("../lib/upstream/multiplex.ts");
  const { CallSafety, learning } = await import("../lib/policy/call_safety.ts");
  const { guarded } = await import("../lib/policy/guarded.ts");
  const safety = new CallSafety();
  const members = await Promise.all(config.endpoints.map((way, index) => {
    const alone = { endpoint: way.endpoint, endpoints: [way], quorum: false, hedgeMs: undefined };
    const name = `${config.name}#${index + 1}`;
    const member: UpstreamConfig = { ...config, ...alone, name, sharing: "shared" };
    return opener(base, member, buffer, () => safety.forget());
  }));
  const options = {
    isSafe: (message: Message) => safety.isSafe(message),
    deadlineMs: base.config.limits.callDeadlineMs,
  };
  return () => {
    const all = new Multiplex(config.name, members.map((open) => open()), options);
    return guarded(all, [learning(safety)]);
  };
}

/** The one era of a setting; `undefined` for both. */
export function onlyEra(era: Eras): Era | undefined {
  return era === "auto" ? undefined : era;
}

/** The same for servers that are reached, or started, in the same way. */
function fingerprintOf(endpoints: readonly Endpoint[]): string {
  const facts = endpoints.map(({ url, command, headers }) => [url.href, command, headers]);
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

/** Where lists outlive the process; `undefined` where there is no home for them. */
async function catalogueFiles(base: Base) {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = Deno.env.toObject();
  const cache = XDG_CACHE_HOME || (HOME ? `${HOME}/.cache` : LOCALAPPDATA);
  if (!cache) return undefined;
  const { CatalogueFiles } = await import("../lib/router/catalogue_file.ts");
  const log = base.log.child("catalogue");
  return new CatalogueFiles(`${cache}/sluice/catalogue`, (text) => log.warn(text));
}
