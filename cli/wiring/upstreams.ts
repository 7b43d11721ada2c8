/**
 * Makes what answers the calls: one server, or several behind one endpoint.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { UPSTREAM_CALLS_OPEN_MAX } from "../../lib/core/limits.ts";
import type { Message } from "../../lib/core/message.ts";
import type { Era } from "../../lib/core/eras.ts";
import type { OutboxOptions } from "../../lib/core/outbox.ts";
import type { Upstream } from "../../lib/core/upstream.ts";
import type { UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { Eras } from "../../lib/config/schema.ts";
import type { MakeMember } from "../../lib/upstream/pool/pool_options.ts";
import { EraConversations } from "../../lib/era/conversations.ts";
import { guarded } from "../../lib/policy/guarded.ts";
import type { Aggregate } from "../../lib/router/aggregate.ts";
import type { MemberOptions } from "../../lib/router/member.ts";
import { type Base, partOf } from "./base.ts";
import { upstreamCache } from "./cache.ts";
import { aggregateEvents, linkEvents } from "./instrument.ts";
import { behind, reach } from "./reach.ts";
import { restartsByPlace, supervision } from "./supervision.ts";
import { taskOwnership } from "./task_ownership.ts";
import { argumentChecks } from "./validation.ts";
import { VERSION } from "../version.ts";

/** Name of the whole where several servers stand behind it. */
export const AGGREGATE = "sluice";

/**
 * A single server as it is.
 *
 * @param buffer limits of what waits for it
 */
export async function singleUpstream(
  base: Base,
  config: UpstreamConfig,
  buffer: Partial<OutboxOptions>,
): Promise<Upstream> {
  const part = partOf(base);
  const open = await judged(part.base, config, await opener(part.base, config, buffer));
  const upstream = await showing(config, open());
  return {
    name: upstream.name,
    handle: upstream.handle,
    prepare: (session) => upstream.prepare?.(session) ?? Promise.resolve(),
    drain: () => upstream.drain?.(),
    load: () => upstream.load(),
    ready: () => upstream.ready(),
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await part.owned[Symbol.asyncDispose]();
    },
  };
}

/**
 * One of several servers.
 *
 * @param buffer limits of what waits for it
 */
export async function memberUpstream(
  base: Base,
  config: UpstreamConfig,
  buffer: Partial<OutboxOptions>,
): Promise<MemberOptions> {
  const part = partOf(base);
  return {
    ...config,
    open: await judged(part.base, config, await opener(part.base, config, buffer)),
    fingerprint: fingerprintOf(config),
    owned: part.owned,
  };
}

/** Several servers as one with prefixed names. */
export async function aggregateOf(
  base: Base,
  members: readonly MemberOptions[],
): Promise<Aggregate> {
  const { Aggregate } = await import("../../lib/router/aggregate.ts");
  const aggregate = new Aggregate({
    name: AGGREGATE,
    version: VERSION,
    members,
    searchTool: base.config.aggregate.searchTool,
    origins: base.access?.origins,
    visible: (call, items) => base.access?.layer.visible(call, "tools/list", items) ?? items,
    store: await catalogueFiles(base),
    events: aggregateEvents(base.metrics, base.registry, base.log.child("aggregate")),
  });
  await aggregate.start();
  return aggregate;
}

/** Behind the access rules and the check of arguments, on what the server itself will see. */
async function judged(
  base: Base,
  config: UpstreamConfig,
  open: () => Upstream,
): Promise<() => Upstream> {
  const { access } = base, { name } = config;
  const ruled = access === undefined ? [] : [access.serverPolicy(name)];
  const policies = [
    ...ruled,
    ...await taskOwnership(base, config),
    ...await argumentChecks(base, name),
  ];
  return policies.length === 0 ? open : () => guarded(open(), policies);
}

/** A single server without the tools that are hidden. */
async function showing({ tools }: UpstreamConfig, upstream: Upstream): Promise<Upstream> {
  if (tools.allow === undefined && tools.deny === undefined) return upstream;
  const { toolFilter } = await import("../../lib/router/tool_filter.ts");
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
    const { echoUpstream } = await import("../../lib/upstream/echo.ts");
    return () => echoUpstream(name, VERSION);
  }
  const { limits } = base.config;
  const way = await reach(base, config);
  const events = {
    ...linkEvents(base.metrics, base.log.child("upstream"), name, base.security.report),
    toolsChanged() {
      way.safety.forget();
      onToolsChanged();
    },
  };
  const supervised = supervision(base, name);
  const linkOptions = {
    callDeadlineMs: limits.callDeadlineMs,
    callDeadlineHardMs: limits.callDeadlineHardMs,
    callsOpenMax: UPSTREAM_CALLS_OPEN_MAX,
    buffer,
  };
  const cache = upstreamCache(base, config);
  const conversations = () => cache.heard(new EraConversations(onlyEra(config.era)));
  if (config.pool !== undefined || config.sharing === "shared") {
    const { SharedUpstream } = await import("../../lib/upstream/shared.ts");
    const restarts = config.pool && restartsByPlace(base);
    const shared: MakeMember = (index) => {
      const supervise = supervised(restarts?.(index), () => one.onFailed?.("it hangs"));
      const options = { ...linkOptions, supervise };
      const { dial, circuit } = way.wayFor(index);
      const watched = cache.watched(dial);
      const one = new SharedUpstream(name, watched, events, options, conversations(), circuit);
      return one;
    };
    const open = config.pool === undefined ? () => shared(0) : await pooled(base, config, shared);
    return () => guarded(behind(way, open()), cache.policies);
  }
  const { PerSessionUpstream } = await import("../../lib/upstream/per_session.ts");
  const options = { ...linkOptions, supervise: supervised() };
  const dial = cache.watched(way.wayFor(0).dial);
  return () => {
    const upstream = new PerSessionUpstream(name, dial, events, options, conversations());
    return guarded(behind(way, upstream), cache.policies);
  };
}

/** Several of what serves all clients alone, as one. */
async function pooled(
  base: Base,
  { name, pool }: UpstreamConfig,
  member: MakeMember,
): Promise<() => Upstream> {
  const { Pool } = await import("../../lib/upstream/pool/pool.ts");
  const { poolEvents } = await import("../../lib/upstream/pool/pool_metrics.ts");
  const events = poolEvents(base.registry, base.log.child("pool"), name);
  return () => new Pool(name, pool!, member, events);
}

/** Several servers, of which the majority is believed; each has one connection for all clients. */
async function quorumOpener(
  base: Base,
  config: UpstreamConfig,
  buffer: Partial<OutboxOptions>,
): Promise<() => Upstream> {
  const { Multiplex } = await import("../../lib/upstream/multiplex.ts");
  const { CallSafety, learning } = await import("../../lib/policy/call_safety.ts");
  const safety = new CallSafety();
  const members = await Promise.all(config.endpoints.map((way, index) => {
    const alone = { endpoint: way.endpoint, endpoints: [way], quorum: false, hedgeMs: undefined };
    const name = `${config.name}#${index + 1}`;
    const member: UpstreamConfig = { ...config, ...alone, name, sharing: "shared" };
    // Voters that answer from memory would differ in the time that is left to their answers.
    return opener({ ...base, answers: undefined }, member, buffer, () => safety.forget());
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
function fingerprintOf({ endpoints, auth }: UpstreamConfig): string {
  const ways = endpoints.map(({ endpoint: { url, command, headers } }) => [
    ...[url.href, command, headers],
  ]);
  const facts = auth === undefined ? ways : [...ways, [auth.type, auth.clientId]];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

/** Where lists outlive the process; `undefined` where there is no home for them. */
async function catalogueFiles(base: Base) {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = Deno.env.toObject();
  const cache = XDG_CACHE_HOME || (HOME ? `${HOME}/.cache` : LOCALAPPDATA);
  if (!cache) return undefined;
  const { CatalogueFiles } = await import("../../lib/router/catalogue_file.ts");
  const log = base.log.child("catalogue");
  return new CatalogueFiles(`${cache}/sluice/catalogue`, (text) => log.warn(text));
}
