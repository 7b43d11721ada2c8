/**
 * What operators ask and do: `/mcp/admin/*`, `/mcp/stats` and the health of single clients.
 *
 * @module
 */
import { Hono } from "hono";
import type { Overview } from "../telemetry/overview.ts";
import { LOG_LEVELS, type LogThreshold } from "../telemetry/logger.ts";
import { PROFILE_S_MAX } from "../telemetry/profiler.ts";
import type { AdminAgent } from "./agent.ts";
import type { ClientView } from "./client_view.ts";
import type { AdminEnv } from "./guard.ts";
import { patternsOf } from "./patterns.ts";
import { bodyOf, invalid, numberIn, textIn } from "./request_body.ts";

/** What the routes work with. */
export interface OperatorParts {
  readonly agent: AdminAgent;
  /** Of all processes of the gateway. */
  overview(): Promise<Overview>;
  /** `POST /mcp/admin/cleanup` ends sessions idle for so long, s. */
  idleCleanupS(): number;
}

/** Clients that are listed. */
const LISTED_MAX = 1000;
const NAME_CHARS_MAX = 256;
const HOURS_MAX = 24 * 365;

/** Everything but the health of the gateway itself; whoever mounts it guards it. */
export function operatorRoutes(parts: OperatorParts): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  addLooks(app, parts);
  addClients(app, parts);
  addChanges(app, parts);
  addProfiles(app, parts);
  return app;
}

function addLooks(app: Hono<AdminEnv>, { agent, overview }: OperatorParts): void {
  app.get("/mcp/stats", async (c) => c.json(await overview()));
  app.get("/mcp/admin/breakers", async (c) => c.json({ breakers: (await overview()).breakers }));
  app.get("/mcp/admin/pools", async (c) => c.json({ pools: (await overview()).pools }));
  app.get("/mcp/admin/errors", async (c) => {
    const errors = await agent.ask("errors", {});
    return c.json({ errors });
  });
  app.get("/mcp/admin/patterns", async (c) => {
    const hours = numberIn(c.req.query("hours"), "hours", 0, HOURS_MAX, 24);
    const [views, rapid] = await Promise.all([agent.ask("clients", {}), agent.ask("rapid", {})]);
    return c.json(patternsOf(views, rapid, hours));
  });
  app.get("/mcp/admin/leaks", async (c) => c.json({ processes: await agent.ask("leaks", {}) }));
}

function addClients(app: Hono<AdminEnv>, { agent, overview }: OperatorParts): void {
  app.get("/mcp/admin/connections", async (c) => {
    const [{ connections }, views] = await Promise.all([overview(), agent.ask("clients", {})]);
    const sort = SORTS[c.req.query("sort") ?? "recent"];
    if (sort === undefined) throw invalid(`sort is one of ${Object.keys(SORTS).join(", ")}`);
    const limit = numberIn(c.req.query("limit"), "limit", 1, LISTED_MAX, 100);
    const clients = views.toSorted(sort).slice(0, limit);
    return c.json({ connections, known: views.length, clients });
  });
  const health = async (name: string) => {
    const [client] = await agent.ask("client", { name: named(name), trace: false });
    if (client === undefined) return { client_id: name, connected: false };
    const { trace: _trace, ...view } = client;
    const connected = view.hasSession || view.idleS < RECENT_S;
    return { client_id: name, connected, ...view };
  };
  for (const path of ["/mcp/health/client/:client_id", "/mcp/health/:client_id"] as const) {
    app.get(path, async (c) => {
      const answer = await health(c.req.param("client_id"));
      return c.json(answer, answer.connected ? 200 : 404);
    });
  }
  app.get("/mcp/admin/trace/:client", async (c) => {
    const name = named(c.req.param("client"));
    const clients = await agent.ask("client", { name, trace: false });
    return clients.length === 0 ? c.json({ error: "no such client" }, 404) : c.json({ clients });
  });
  app.post("/mcp/admin/trace/:client", async (c) => {
    const name = named(c.req.param("client"));
    const clients = await agent.ask("client", { name, trace: true });
    return clients.length === 0 ? c.json({ error: "no such client" }, 404) : c.json({ clients });
  });
}

/** A client without a session counts as connected for so long, s. */
const RECENT_S = 60;

const SORTS: Readonly<Record<string, (a: ClientView, b: ClientView) => number>> = {
  recent: (a, b) => a.idleS - b.idleS,
  calls: (a, b) => b.calls - a.calls,
  errors: (a, b) => b.errors - a.errors,
  age: (a, b) => b.ageS - a.ageS,
  idle: (a, b) => b.idleS - a.idleS,
};

function named(text: string): string {
  if (text.length > NAME_CHARS_MAX) throw invalid("the name of the client is too long");
  return text;
}

function addChanges(app: Hono<AdminEnv>, { agent, idleCleanupS }: OperatorParts): void {
  app.post("/mcp/admin/cleanup", async (c) => {
    const { idleS: given } = await bodyOf(c);
    const idleS = numberIn(given, "idleS", 1, 86_400, idleCleanupS());
    return c.json({ idleS, ...await agent.ask("cleanup", { idleS }) });
  });
  app.get("/mcp/admin/features", async (c) => {
    return c.json({ features: await agent.ask("features", {}) });
  });
  app.put("/mcp/admin/features", async (c) => {
    const body = await bodyOf(c);
    const name = textIn(body.name, "name");
    const share = body.percent === true ? 100 : body.percent === false ? 0 : body.percent;
    const percent = numberIn(share, "percent", 0, 100);
    return c.json({ features: await agent.ask("features", { name, percent }) });
  });
  app.get("/mcp/admin/log-levels", async (c) => {
    return c.json({ levels: await agent.ask("logLevels", {}) });
  });
  app.put("/mcp/admin/log-levels", async (c) => {
    const body = await bodyOf(c);
    const component = textIn(body.component ?? "*", "component");
    const level = textIn(body.level, "level");
    if (!isThreshold(level)) {
      throw invalid(`level is one of ${[...LOG_LEVELS, "silent"].join(", ")}`);
    }
    return c.json({ levels: await agent.ask("logLevels", { component, level }) });
  });
}

function isThreshold(text: string): text is LogThreshold {
  return text === "silent" || (LOG_LEVELS as readonly string[]).includes(text);
}

const PROFILE_S = 10;

function addProfiles(app: Hono<AdminEnv>, { agent }: OperatorParts): void {
  app.post("/mcp/admin/profile/cpu", async (c) => {
    const body = await bodyOf(c);
    const seconds = numberIn(body.seconds, "seconds", 1, PROFILE_S_MAX, PROFILE_S);
    const inline = body.inline === true;
    return c.json({ processes: await agent.ask("cpu", { seconds, inline }) });
  });
  app.post("/mcp/admin/profile/heap", async (c) => {
    return c.json({ processes: await agent.ask("heap", {}) });
  });
}
