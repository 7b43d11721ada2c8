/**
 * What an operator and a load balancer ask a running gateway over HTTP.
 *
 * @module
 */
import { Hono } from "hono";
import type { Logger } from "../telemetry/logger.ts";
import type { Registry } from "../telemetry/metrics.ts";
import { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from "../telemetry/prometheus.ts";

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
 * `GET /metrics` (Prometheus text), `GET /health` (200 while the process answers) and `GET /ready`
 * (503 while draining). `HEAD` works too, any other method is a 405. Who may ask is decided by the
 * listener that mounts them.
 */
export function adminRoutes(facts: AdminFacts): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
  });
  app.get("/metrics", async (c) => {
    const registry = await facts.workers?.metrics() ?? facts.registry;
    return c.body(renderPrometheus(registry), 200, {
      "content-type": PROMETHEUS_CONTENT_TYPE,
    });
  });
  app.get("/health", async (c) => {
    const together = await facts.workers?.health();
    return c.json({
      status: facts.draining() ? "draining" : "ok",
      version: facts.version,
      uptimeS: Math.floor(facts.uptimeS()),
      sessions: facts.sessions(),
      ...together,
    });
  });
  app.get("/ready", (c) => {
    if (!facts.draining()) return c.json({ ready: true });
    return c.json({ ready: false, why: "draining" }, 503, { "retry-after": `${RETRY_AFTER_S}` });
  });
  for (const path of ["/metrics", "/health", "/ready"]) {
    app.all(path, (c) => c.json({ error: "method not allowed" }, 405, { allow: "GET, HEAD" }));
  }
  app.notFound((c) => c.json({ error: "not found" }, 404));
  // Hono's own handler would print the error to the console and answer in plain text.
  app.onError((error, c) => {
    facts.logger.error("admin route failed", { path: c.req.path, error });
    return c.json({ error: "internal error" }, 500);
  });
  return app;
}
