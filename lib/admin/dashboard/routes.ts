/**
 * The live dashboard: a page that asks nothing of any other host, and the events that it shows.
 *
 * @module
 */
import { Hono } from "hono";
import type { AdminEnv } from "../guard.ts";
import { ASSETS, PAGE } from "./assets.ts";
import type { DashboardFeed } from "./feed.ts";

/** What the dashboard shows. */
export interface DashboardParts {
  readonly feed: DashboardFeed;
}

/** Where the dashboard is. */
export const DASHBOARD_PATH = "/metrics/dashboard";

/** Scripts and styles come from here alone; charts set styles from script, which this allows. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** The page itself tells nothing; its events are guarded by whoever mounts the routes. */
export function dashboardRoutes({ feed }: DashboardParts): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.get(DASHBOARD_PATH, (c) => c.body(PAGE, 200, PAGE_HEADERS));
  app.get(`${DASHBOARD_PATH}/`, (c) => c.redirect(DASHBOARD_PATH, 308));
  for (const [name, { type, text }] of Object.entries(ASSETS)) {
    app.get(`${DASHBOARD_PATH}/${name}`, (c) =>
      c.body(text, 200, {
        "content-type": type,
        "cache-control": "no-cache",
        "cross-origin-resource-policy": "same-origin",
      }));
  }
  app.get(`${DASHBOARD_PATH}/events`, (c) => {
    const events = feed.open();
    if (events === undefined) {
      return c.json({ error: "too many dashboards are open" }, 503, { "retry-after": "10" });
    }
    return c.body(events, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
  });
  return app;
}
