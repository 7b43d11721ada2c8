/**
 * Every series of the gateway, declared in one place. To add one: a line in the group it belongs to; a
 * module with series of its own may declare them on the same registry.
 *
 * No id, token or argument ever becomes a label.
 *
 * @module
 */
import { flowMetrics } from "./flow_metrics.ts";
import type { Registry } from "./metrics.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import { serviceMetrics } from "./service_metrics.ts";

/** Upper bounds for the delay of the event loop, seconds. */
const LOOP_DELAY_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The gateway's metrics on a registry: families where there are labels, the one series where there are none. */
export type GatewayMetrics =
  & ReturnType<typeof trafficMetrics>
  & ReturnType<typeof requestMetrics>
  & ReturnType<typeof failoverMetrics>
  & ReturnType<typeof supervisionMetrics>
  & ReturnType<typeof exportMetrics>
  & ReturnType<typeof faultMetrics>
  & ReturnType<typeof runtimeMetrics>
  & ReturnType<typeof flowMetrics>;

/** Declares the gateway's metrics and those of its process. A second call with the same registry returns the same metrics. */
export function gatewayMetrics(registry: Registry): GatewayMetrics {
  registerProcessMetrics(registry);
  serviceMetrics(registry);
  return {
    ...trafficMetrics(registry),
    ...requestMetrics(registry),
    ...failoverMetrics(registry),
    ...supervisionMetrics(registry),
    ...exportMetrics(registry),
    ...faultMetrics(registry),
    ...runtimeMetrics(registry),
    ...flowMetrics(registry),
  };
}

function trafficMetrics(registry: Registry) {
  return {
    /** Open connections. */
    connections: registry.gauge({
      name: "sluice_connections",
      help: "Open connections.",
      labels: ["transport"],
    }),
    /** Messages; direction `in` (from the peer) or `out`. */
    messages: registry.counter({
      name: "sluice_messages_total",
      help: "Messages by direction: in is from the peer, out is to it.",
      labels: ["transport", "direction"],
    }),
    /** Bytes; stage `wire` (as sent) or `message` (before framing and compression). */
    bytes: registry.counter({
      name: "sluice_bytes_total",
      help:
        "Bytes by direction and stage: wire is as sent, message is before framing and compression.",
      labels: ["transport", "direction", "stage"],
    }),
    /** Changes of the state of outgoing buffers. */
    backpressure: registry.counter({
      name: "sluice_backpressure_events_total",
      help: "Outgoing buffers that entered a state: flowing, backing_up or blocked.",
      labels: ["transport", "state"],
    }),
    /** Messages refused because they are not JSON-RPC, too large or too deep. */
    badMessages: registry.counter({
      name: "sluice_bad_messages_total",
      help: "Messages refused because they are not well-formed JSON-RPC or pass a limit.",
      labels: ["transport"],
    }),
  };
}

function requestMetrics(registry: Registry) {
  return {
    /** Seconds from dispatch to the answer; `method` through `methodLabel()`. */
    requestDuration: registry.histogram({
      name: "sluice_request_duration_seconds",
      help: "Time from dispatch of a request to its answer.",
      labels: ["method", "upstream"],
    }),
    /** Answered requests; a tool result with `isError` has the outcome `tool_error`. */
    requests: registry.counter({
      name: "sluice_requests_total",
      help: "Answered requests by outcome.",
      labels: ["method", "upstream", "outcome"],
    }),
    /** Answers that came after their request had been given up. */
    lateAnswers: registry.counter({
      name: "sluice_late_answers_total",
      help: "Answers that came after their request had been given up.",
      labels: ["upstream"],
    }),
    /** Live client sessions. */
    sessions: registry.gauge({ name: "sluice_sessions", help: "Live client sessions." }).with({}),
    /** Running child processes. */
    children: registry.gauge({ name: "sluice_children", help: "Running child processes." })
      .with({}),
  };
}

function failoverMetrics(registry: Registry) {
  return {
    /** Breakers; of several endpoints `upstream` is the name with `#1`, `#2`, ... */
    circuitState: registry.gauge({
      name: "sluice_circuit_state",
      help: "State of a circuit breaker: 0 closed, 1 half-open, 2 open.",
      labels: ["upstream"],
      acrossWorkers: "max",
    }),
    /** Changes of the endpoint that new connections go to. */
    failovers: registry.counter({
      name: "sluice_failovers_total",
      help: "Changes of the endpoint that new connections go to.",
      labels: ["group"],
    }),
    /** Calls without effects that were sent a second time; why is `lost` or `slow`. */
    resent: registry.counter({
      name: "sluice_resent_calls_total",
      help: "Calls without effects that were sent a second time: lost, or slow (hedged).",
      labels: ["method", "upstream", "why"],
    }),
  };
}

function supervisionMetrics(registry: Registry) {
  return {
    /** Servers started, or connected to, again after they had ended. */
    upstreamRestarts: registry.counter({
      name: "sluice_upstream_restarts_total",
      help: "Processes and connections of a server that were started again after they had ended.",
      labels: ["upstream"],
    }),
    /** The end of the latest time that one of them is left alone. */
    upstreamFailedUntil: registry.gauge({
      name: "sluice_upstream_failed_until_seconds",
      help: "Until when a process that ended too often is left alone, Unix time; 0 where none was.",
      labels: ["upstream"],
      acrossWorkers: "max",
    }),
    /** Steps taken to bring back a server that hangs. */
    healingSteps: registry.counter({
      name: "sluice_healing_steps_total",
      help:
        "Steps taken to bring back a server that hangs: restart, clear, reset, fallback; what came of them: healed, failed.",
      labels: ["upstream", "step"],
    }),
    /** Calls of upstreams with a limit; state is `running` or `waiting`. */
    limitedCalls: registry.gauge({
      name: "sluice_upstream_calls",
      help: "Calls towards a server with a limit: running or waiting.",
      labels: ["upstream", "state"],
    }),
    /** Calls refused because there was no room at a server, or the gateway was in degraded mode. */
    shedCalls: registry.counter({
      name: "sluice_shed_calls_total",
      help: "Calls refused for lack of room: by the limit of a server, or in degraded mode.",
      labels: ["upstream", "why"],
    }),
    /** 1 in degraded mode. */
    degraded: registry.gauge({
      name: "sluice_degraded",
      help: "1 in degraded mode, else 0.",
      acrossWorkers: "max",
    }).with({}),
  };
}

function exportMetrics(registry: Registry) {
  return {
    /** Requests that a cache may answer; tier is `l1`, `l2` or `l3`. */
    cacheRequests: registry.counter({
      name: "sluice_cache_requests_total",
      help:
        "Cacheable requests by tier: l1 memory, l2 shared memory (hit, miss), l3 the server (kept, passed, joined).",
      labels: ["tier", "outcome"],
    }),
    /** Memory for kept answers. */
    cacheBytes: registry.gauge({
      name: "sluice_cache_bytes",
      help: "Memory taken by kept answers, bytes.",
    }).with({}),
    /** Entries of the shared-memory export. */
    shmEntries: registry.gauge({
      name: "sluice_shm_entries",
      help: "Entries of the shared-memory export.",
    }).with({}),
    /** Size of the shared-memory export. */
    shmBytes: registry.gauge({
      name: "sluice_shm_bytes",
      help: "Size of the shared-memory export, bytes.",
    }).with({}),
  };
}

function faultMetrics(registry: Registry) {
  return {
    /** Refused or suspicious requests by kind. */
    securityEvents: registry.counter({
      name: "sluice_security_events_total",
      help: "Refused or suspicious requests by kind.",
      labels: ["type"],
    }),
    /** Lines of the audit log's own file that were not written. */
    auditDropped: registry.counter({
      name: "sluice_audit_dropped_total",
      help: "Lines of the audit log that were not written.",
    }).with({}),
    /** Calls and notifications over the limit; `none` is the tier of whoever has none. */
    rateLimited: registry.counter({
      name: "sluice_rate_limited_total",
      help: "Calls and notifications over the rate limit, by the tier of the client.",
      labels: ["principal_tier"],
    }),
    /** Listeners opened again because they had stopped answering. */
    relistens: registry.counter({
      name: "sluice_relistens_total",
      help: "Listeners opened again because they had stopped answering.",
      labels: ["transport"],
    }),
    /** Configurations read while running; outcome is `ok`, `refused` or `unchanged`. */
    configReloads: registry.counter({
      name: "sluice_config_reloads_total",
      help: "Configurations read while running: applied (ok), refused or unchanged.",
      labels: ["outcome"],
    }),
    /** Log lines that were not written. */
    logDropped: registry.counter({
      name: "sluice_log_dropped_total",
      help: "Log lines that were not written.",
    }).with({}),
    /** Rejected promises that nothing handled: each is a defect of the gateway. */
    unhandledRejections: registry.counter({
      name: "sluice_unhandled_rejections_total",
      help: "Rejected promises that nothing handled.",
    }).with({}),
  };
}

function runtimeMetrics(registry: Registry) {
  return {
    /** Fed by `startRuntimeSampling()`. */
    eventLoopDelay: registry.histogram({
      name: "sluice_event_loop_delay_seconds",
      help: "How much later than asked a timer ran.",
      buckets: LOOP_DELAY_BUCKETS_SECONDS,
    }).with({}),
    /** Constant 1 for the version that runs. */
    buildInfo: registry.gauge({
      name: "sluice_build_info",
      help: "The version that runs; always 1.",
      labels: ["version"],
      acrossWorkers: "max",
    }),
  };
}
