/**
 * The settings of a gateway that is told nothing. Plain data, so that a run without a configuration
 * file, variable or flag to validate need not load zod (9 ms of start, measured).
 *
 * @module
 */
import * as limits from "../core/limits.ts";

/** Default of every setting under `sluice`; the schema takes its defaults from here. */
export const DEFAULTS = {
  listen: ["http://127.0.0.1:8080"],
  workers: 1,
  upstreams: {},
  limits: {
    messageBytes: limits.MESSAGE_BYTES_MAX,
    jsonDepth: limits.JSON_DEPTH_MAX,
    bufferBytes: limits.BUFFER_BYTES_MAX,
    bufferMessages: limits.BUFFER_MESSAGES_MAX,
    connections: 0,
    connectionsPerAddress: 100,
    firstMessageMs: 10_000,
    sessions: limits.SESSIONS_MAX,
    sessionsPerPrincipal: limits.SESSIONS_PER_ACCOUNT_MAX,
    sessionIdleMs: limits.SESSION_IDLE_MS,
    callDeadlineMs: limits.CALL_DEADLINE_MS,
    callDeadlineHardMs: limits.CALL_DEADLINE_HARD_MS,
    drainMs: limits.DRAIN_MS,
  },
  http: {
    allowedHosts: [] as string[],
    allowedOrigins: [] as string[],
    tlsHandshakeMs: 5_000,
    headersMs: 10_000,
    bodyMs: 30_000,
    keepAliveMs: 60_000,
    heartbeatMs: limits.HEARTBEAT_MS,
    headerFieldsMax: 100,
    headerBytesMax: 16_384,
    bodyBudgetBytes: 8_388_608,
    compression: "auto",
    trustedProxies: [] as string[],
    redirectToHttps: false,
  },
  auth: {
    publicUrl: "",
    audience: [] as string[],
    listeners: {},
    clients: {},
    issuers: {},
    introspection: {},
    certificates: {},
    scopes: [] as string[],
    clockSkewMs: 30_000,
    jwksStaleMs: 3_600_000,
    introspectionMs: 30_000,
    revocations: "",
    revocationsMs: 60_000,
  },
  access: { rules: {}, implies: {} },
  rate: {
    enabled: true,
    perSecond: 100,
    burst: 100,
    tiers: { premium: 1000, standard: 100, trial: 10 } as Record<string, number>,
    unknownTier: 10,
    loopback: false,
  },
  deny: { addresses: [] as string[], principals: [] as string[] },
  suspicion: { enabled: true, score: 10, halfLifeMs: 60_000, refuseMs: 60_000, loopback: false },
  threats: {
    mode: "off",
    builtin: ["script_tag", "javascript_url", "event_handler", "template_expression"] as string[],
    rules: {} as Record<string, string[]>,
  },
  validation: { arguments: "off" },
  audit: { path: "" },
  breaker: {
    failures: 5,
    errorRate: 0.5,
    windowMs: 10_000,
    openMs: 30_000,
    successes: 2,
    securityEvents: 0,
  },
  restarts: { max: 200, windowMs: 60_000, coolDownMs: 5_000, coolDownMaxMs: 60_000 },
  healing: { timeouts: 3, pingMs: 10_000, stepMs: 1_000 },
  degraded: {
    enabled: false,
    methods: ["initialize", "ping", "server/discover", "tools/list", "tools/call"] as string[],
    errorRate: 0.5,
    bufferShare: 0.9,
    windowMs: 10_000,
    holdMs: 5_000,
  },
  failover: { checkMs: 30_000, windowMs: 60_000, steadyMs: 5_000, switchMs: 30_000 },
  aggregate: { searchTool: false },
  shm: { path: "", resources: [] as string[], bytes: 10 * 1024 * 1024 },
  cache: {
    enabled: true,
    bytes: 10 * 1024 * 1024,
    entries: 10_000,
    ttlMs: 1_000,
    toldMs: 300_000,
    declaredMsMax: 3_600_000,
  },
  protocol: { era: "auto" },
  log: { level: "info", format: "auto" },
  features: {},
} as const;

/** Name and URL of the upstream that stands in when none is configured. */
export const DEMO_UPSTREAM = { name: "demo", url: "builtin:demo" } as const;
