import assert from "node:assert/strict";
import { settingsSchema } from "../../../lib/config/schema.ts";
import { faultOf } from "./faults.ts";

const ALL = Object.keys(settingsSchema.shape).join(", ");

const upstream = (a: unknown) => ({ sluice: { upstreams: { a } } });

const GOLDEN: [unknown, string][] = [
  [
    { sluice: { limits: { mesageBytes: 1 } } },
    "Cannot read config: sluice.limits.mesageBytes is not a setting; did you mean messageBytes (gateway.json:4)",
  ],
  [
    { sluice: { messageBytes: 1 } },
    "Cannot read config: sluice.messageBytes is not a setting; did you mean sluice.limits.messageBytes (gateway.json:3)",
  ],
  [
    { sluice: { zzz: 1 } },
    `Cannot read config: sluice.zzz is not a setting; the settings here are ${ALL} (gateway.json:3)`,
  ],
  [
    { sluice: { limits: { sessions: "many" } } },
    "Cannot read config: sluice.limits.sessions is a string; give a whole number (sessions) from 1 to 10000000 (gateway.json:4)",
  ],
  [
    { sluice: { limits: { drainMs: 0.5 } } },
    "Cannot read config: sluice.limits.drainMs is not a whole number; give a whole number (ms) from 1 to 2147483647 (gateway.json:4)",
  ],
  [
    { sluice: { limits: { messageBytes: 3 } } },
    "Cannot read config: sluice.limits.messageBytes is too small; give a whole number (bytes) from 1024 to 1073741824 (gateway.json:4)",
  ],
  [
    { sluice: { limits: null } },
    "Cannot read config: sluice.limits is null; give a map with messageBytes, jsonDepth, bufferBytes, bufferMessages, connections, connectionsPerAddress, firstMessageMs, sessions, sessionsPerPrincipal, sessionIdleMs, callDeadlineMs, callDeadlineHardMs, drainMs (gateway.json:3)",
  ],
  [
    { sluice: { log: { level: "loud" } } },
    "Cannot read config: sluice.log.level is not a known value; give one of trace, debug, info, warn, error, fatal, silent (gateway.json:4)",
  ],
  [
    { sluice: { listen: [] } },
    "Cannot read config: sluice.listen is an empty list; give a list of URLs (gateway.json:3)",
  ],
  [
    { sluice: { http: { allowedOrigins: ["example.com"] } } },
    "Cannot read config: sluice.http.allowedOrigins[0] is not an origin; give scheme://host or scheme://host:port (gateway.json:5)",
  ],
  [
    { sluice: { features: { x: "on" } } },
    "Cannot read config: sluice.features.x is a string; give true, false or a number from 0 to 100 (gateway.json:4)",
  ],
  [
    { sluice: { limits: { callDeadlineMs: 900000 } } },
    "Cannot read config: limits.callDeadlineMs (900000) is longer than limits.callDeadlineHardMs (600000); raise the hard deadline too (gateway.json:4)",
  ],
  [
    upstream({}),
    "Cannot read config: sluice.upstreams.a has neither url nor command; give one of them (gateway.json:4)",
  ],
  [
    upstream({ url: "http://h/", args: [] }),
    "Cannot read config: sluice.upstreams.a has args, env or cwd, which a url cannot take; use headers (gateway.json:4)",
  ],
  [
    upstream({ comand: "x" }),
    "Cannot read config: sluice.upstreams.a.comand is not a setting; did you mean command (gateway.json:5)",
  ],
];

Deno.test("validateSettings() names key, line and what the setting takes", async () => {
  for (const [file, line] of GOLDEN) assert.equal(await faultOf(file), line);
});
