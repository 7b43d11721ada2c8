/**
 * The question of an operator that each metric answers, in the order of docs/operations/metrics.md. A metric
 * that answers none has no business being exported.
 *
 * @module
 */

/** Metrics about the same thing. */
export interface MetricGroup {
  readonly title: string;
  /** Name of the metric -> the question. */
  readonly questions: Readonly<Record<string, string>>;
}

/** Every metric has its place in one of them. */
export const METRIC_GROUPS: readonly MetricGroup[] = [
  {
    title: "Traffic",
    questions: {
      sluice_connections: "Who is connected, and over what?",
      sluice_connections_max: "How many more clients may come?",
      sluice_sessions: "How many clients have a session?",
      sluice_messages_total: "How much is said in each direction?",
      sluice_bytes_total:
        "How much is carried, and what do framing, TLS and compression make of it?",
      sluice_batch_messages:
        "How many writes were there, and do messages leave together under load?",
      sluice_compressed_bytes_total: "Which encoding is used, and how much does it save?",
      sluice_compression_ratio: "Is compression worth its CPU?",
      sluice_relayed_requests_total: "How often does a request reach the wrong worker?",
    },
  },
  {
    title: "Requests",
    questions: {
      sluice_requests_total: "What is asked of whom, and how does it end?",
      sluice_request_duration_seconds: "How long do clients wait?",
      sluice_errors_total: "Which errors are clients told?",
      sluice_http_refusals_total: "Which HTTP requests are refused before they are read?",
      sluice_bad_messages_total: "Who sends what is no message?",
      sluice_late_answers_total: "Do servers answer after everybody has gone?",
      sluice_resent_calls_total: "How many calls were saved by sending them again?",
      sluice_shed_calls_total: "How many calls are refused for lack of room?",
      sluice_upstream_calls: "How near is a server to its limit of calls?",
      sluice_degraded: "Is only the most important served?",
    },
  },
  {
    title: "Service",
    questions: {
      sluice_objective_compliance_ratio: "Do we keep what we promise?",
      sluice_objective_target_ratio: "What do we promise?",
      sluice_capacity_ratio: "What will run out first?",
      sluice_capacity_threshold_ratio: "Where is that too much?",
      sluice_capacity_over: "Is it too much now?",
      sluice_anomaly_score: "Is something unlike yesterday's hour?",
      sluice_anomalous: "Is it so unlike that somebody should look?",
      sluice_watch_alerts_total: "How often did the gateway itself raise its hand?",
    },
  },
  {
    title: "Upstreams",
    questions: {
      sluice_circuit_state: "Which server is left alone now?",
      sluice_circuit_transitions_total: "How often did that happen?",
      sluice_endpoint_health: "Which endpoint of a server is unwell?",
      sluice_failovers_total: "How often did connections move to another endpoint?",
      sluice_failover_attempts_total: "When one was lost, was another found?",
      sluice_failover_success_ratio: "Does failover work?",
      sluice_upstream_restarts_total: "Which server keeps ending?",
      sluice_upstream_failed_until_seconds:
        "Which server ended too often, and until when is it let be?",
      sluice_healing_steps_total: "Which server hangs, and what has helped?",
      sluice_member_failures_total: "Which of several servers is missing from the lists?",
      sluice_pool_connections: "Has a pool anybody left who is free?",
      sluice_children: "How many programs run for us?",
    },
  },
  {
    title: "Cache and shared memory",
    questions: {
      sluice_cache_requests_total:
        "How many questions do not reach a server, and which tier answers?",
      sluice_cache_bytes: "What does that cost in memory?",
      sluice_cache_lookup_seconds: "How long does it take to find a kept answer?",
      sluice_sona_compliance_ratio: "Are the lookups as fast as they should be?",
      sluice_shm_entries: "How much do readers of the export find?",
      sluice_shm_bytes: "How near is the export to its limit?",
      sluice_shm_fragmentation_ratio: "How much of what is published is stale?",
      sluice_shm_age_seconds: "How old is what readers see?",
      sluice_shm_publications_total: "How often does the export change?",
    },
  },
  {
    title: "Security",
    questions: {
      sluice_security_events_total: "Who tries what he may not?",
      sluice_authentications_total: "How do clients prove themselves, and do they succeed?",
      sluice_rate_limited_total: "Whose limit is too small, or who asks too much?",
      sluice_suspicious_clients: "How many are shut out for a time?",
      sluice_audit_dropped_total: "Is the audit log complete?",
    },
  },
  {
    title: "Process",
    questions: {
      process_cpu_seconds_total: "How busy is it?",
      process_resident_memory_bytes: "How much memory does it take?",
      process_start_time_seconds: "Since when does it run?",
      process_open_fds: "How many files and sockets are open?",
      process_max_fds: "How many may be?",
      sluice_heap_bytes: "Does the heap grow towards its limit?",
      sluice_heap_allocated_bytes_total: "How hard does the garbage collector have to work?",
      sluice_event_loop_delay_seconds: "Is everybody kept waiting by one slow thing?",
      sluice_buffer_bytes: "Do clients or servers take what is sent to them?",
      sluice_buffer_bytes_max: "When is new work refused because they do not?",
      sluice_backpressure_events_total: "How often was somebody slowed down for that?",
      sluice_workers: "How many workers should there be?",
      sluice_workers_answered: "How many are there?",
      sluice_worker_restarts_total: "Do workers end by themselves?",
      sluice_relistens_total: "Did a listener die?",
      sluice_draining: "Is it about to end?",
      sluice_drains_total: "How often was something let go in order?",
      sluice_config_reloads_total: "Was the last change of the configuration taken?",
      sluice_build_info: "Which version runs where?",
      sluice_feature_percent: "Which optimisations are on, and for how many?",
      sluice_feature_calls_total: "Do calls with an optimisation end worse than those without?",
      sluice_feature_rollbacks_total: "Was one turned off because it did harm?",
    },
  },
  {
    title: "Telemetry itself",
    questions: {
      sluice_log_dropped_total: "Is the log complete?",
      sluice_trace_spans_dropped_total: "Are the traces complete?",
      sluice_otlp_exports_total: "Does the collector take what it is sent?",
      sluice_metric_overflows_total: "Does a metric have too many series?",
      sluice_metric_collect_failures_total: "Could a figure not be read?",
      sluice_unhandled_rejections_total: "Has Sluice a defect?",
    },
  },
];
