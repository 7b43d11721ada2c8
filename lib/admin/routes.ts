/**
 * What an operator and a load balancer ask a running gateway over HTTP.
 *
 * @module
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { GatewayError, SluiceError } from "../core/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Registry } from "../telemetry/metrics.ts";
import { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from "../telemetry/prometheus.ts";
import { type DashboardParts, dashboardRoutes } from "./dashboard/routes.ts";
import { type AdminAccess, type AdminEnv, adminGuard } from "./guard.ts";
import { gatewayHealth } from "./gateway_health.ts";
import { type OperatorParts, operatorRoutes } from "./operator_routes.ts";

/** What the routes tell. Counts only: an id shown here would let anyone take over a session. */
export interface AdminFacts {
  readonly registry: Registry;
  readonly version: string;
  /** Told when a route fails. */
  readonly logger: Pick<Logger, "error">;
  /** Seconds since the gateway started. */
  uptimeS(): number;
  /** Number of live sessions. */
  sessions(): number;
  /** What all workers of the gateway say together; absent where the process is alone. */
  readonly workers?: WorkerFacts;
  /** Whether the gateway takes no new work because it is about to end. */
  draining(): boolean;
  /** What is for operators; absent where there is nothing but the above. */
  readonly operators?: OperatorFacts;
}

/** What only operators may see, and how they are told from others. */
export interface OperatorFacts extends OperatorParts, DashboardParts {
  readonly access: AdminAccess;
  /** Whether a public route is for operators only. */
  isProtected(route: "metrics" | "health"): boolean;
  /** Whether the others can only be asked elsewhere: on an address of their own. */
  readonly isElsewhere: boolean;
}

/** What workers say together, as far as they answer. */
export interface WorkerFacts {
  metrics(): Promise<Registry>;
  health(): Promise<WorkersHealth>;
}

/** Of the workers that answer. */
export interface WorkersHealth {
  readonly sessions: number;
  readonly workers: { readonly configured: number; readonly answered: number };
}

/** Seconds after which a load balancer may ask a draining gateway's address again. */
const RETRY_AFTER_S = 5;

/**
 * `GET /metrics` (Prometheus text), `GET /health` (200 while the process answers), `GET /ready` (503 while
 * draining) and `GET /health/gateway`; `HEAD` works too, any other method is a 405. For operators also
 * `/mcp/stats`, `/mcp/health/...`, `/mcp/admin/...` and the dashboard.
 */
export function adminRoutes(facts: AdminFacts): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
  });
  const { operators } = facts;
  if (operators !== undefined) guardPublic(app, operators);
  addHealth(app, facts);
  if (operators?.isElsewhere !== true) addMetrics(app, facts);
  const metrics = operators?.isElsewhere === true ? [] : ["/metrics"];
  for (const path of [...metrics, "/health", "/ready", "/health/gateway"]) {
    app.all(path, (c) => c.json({ error: "method not allowed" }, 405, { allow: "GET, HEAD" }));
  }
  if (operators !== undefined && !operators.isElsewhere) addOperators(app, operators);
  app.notFound((c) => c.json({ error: "not found" }, 404));
  app.onError((error, c) => failure(error, c, facts));
  return app;
}

function addMetrics(app: Hono<AdminEnv>, facts: AdminFacts): void {
  app.get("/metrics", async (c) => {
    const registry = await facts.workers?.metrics() ?? facts.registry;
    return c.body(renderPrometheus(registry), 200, {
      "content-type": PROMETHEUS_CONTENT_TYPE,
    });
  });
}

function addHealth(app: Hono<AdminEnv>, facts: AdminFacts): void {
  const health = async () => ({
    status: facts.draining() ? "draining" : "ok",
    version: facts.version,
    uptimeS: Math.floor(facts.uptimeS()),
    sessions: facts.sessions(),
    ...await facts.workers?.health(),
  });
  app.get("/health", async (c) => c.json(await health()));
  app.get("/ready", (c) => {
    if (!facts.draining()) return c.json({ ready: true });
    return c.json({ ready: false, why: "draining" }, 503, { "retry-after": `${RETRY_AFTER_S}` });
  });
  const { operators } = facts;
  if (operators === undefined) return;
  app.get("/health/gateway", async (c) => {
    return c.json(gatewayHealth(await health(), await operators.overview()));
  });
}

/** `/ready` stays open: it tells a load balancer one bit. */
function guardPublic(app: Hono<AdminEnv>, { access, isProtected }: OperatorFacts): void {
  const guard = adminGuard(access);
  const guardedWhen = (route: "metrics" | "health"): MiddlewareHandler<AdminEnv> => (c, next) =>
    isProtected(route) ? guard(c, next) : next();
  app.use("/metrics", guardedWhen("metrics"));
  app.use("/health", guardedWhen("health"));
  app.use("/health/gateway", guardedWhen("health"));
}

function addOperators(app: Hono<AdminEnv>, operators: OperatorFacts): void {
  const guard = adminGuard(operators.access);
  for (const path of ["/mcp/stats", "/mcp/health/*", "/mcp/admin/*", "/metrics/dashboard/events"]) {
    app.use(path, guard);
  }
  app.route("/", dashboardRoutes(operators));
  app.route("/", operatorRoutes(operators));
}

/** Hono's own handler would print the error to the console and answer in plain text. */
function failure(error: Error, c: Context<AdminEnv>, { logger }: AdminFacts): Response {
  if (error instanceof GatewayError) {
    return c.json({ error: error.message }, error.status as 400);
  }
  if (error instanceof SluiceError) return c.json({ error: error.message }, 409);
  logger.error("admin route failed", { path: c.req.path, error });
  return c.json({ error: "internal error" }, 500);
}
