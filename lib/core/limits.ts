/**
 * Defaults of every limit of the message path (docs/limits.md). All are configurable; these are the
 * values where nothing is said.
 *
 * @module
 */

/** Largest message taken or sent, bytes. claude-flow's `tools/list` alone is 263 KB. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Deepest nesting of objects and arrays in a message. */
export const JSON_DEPTH_MAX = 128;
/** Longest request id, bytes of its JSON text. */
export const ID_BYTES_MAX = 1024;
/** Outgoing bytes that may wait for one peer; one message is always admitted to an empty buffer. */
export const BUFFER_BYTES_MAX = 1024 * 1024;
/**
 * A client of the network for which more than this waits is not read from, bytes: whoever never reads could
 * else fill its buffer with answers to questions that need not be taken yet.
 */
export const UNREAD_ABOVE_BYTES = 64 * 1024;
/** Outgoing messages that may wait for one peer. */
export const BUFFER_MESSAGES_MAX = 1000;
/** No more is handed to a connection at once, bytes, unless it is a single message. */
export const WRITE_BYTES_MAX = 64 * 1024;
/** A peer that takes nothing for so long while messages wait for it is closed, ms. */
export const WRITE_STALL_MS = 10_000;
/**
 * Silence towards a client of HTTP after which its stream carries a sign of life, ms. Half of the 30 s after which
 * common proxies cut, so that one that comes late still comes in time.
 */
export const HEARTBEAT_MS = 15_000;
/** How long the end of a connection waits for its peer to take what is left, ms. */
export const CLOSE_FLUSH_MS = 2_000;
/** Messages that may wait in line for room towards one peer. */
export const QUEUE_MESSAGES_MAX = 10_000;
/** Bytes that may wait in line for room towards one peer. */
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** How long a message may wait in line, ms. */
export const ADMISSION_WAIT_MS = 5_000;
/** Calls of one connection that may be open at once; then it is not read any further. */
export const CALLS_OPEN_MAX = 1000;
/** Calls towards one upstream that may be open at once. */
export const UPSTREAM_CALLS_OPEN_MAX = 100_000;
/** Events of one stream of Streamable HTTP that its client can ask for again. */
export const STREAM_EVENTS_MAX = 2000;
/** Bytes of these, {@link EVENT_OVERHEAD_BYTES} included; the newest event is kept even when it is larger. */
export const STREAM_BYTES_MAX = 1024 * 1024;
/** Bytes of the events of all streams together; beyond it the oldest of all is forgotten. */
export const STREAMS_BYTES_MAX = 64 * 1024 * 1024;
/** What remembering an event costs besides its text, bytes. */
export const EVENT_OVERHEAD_BYTES = 256;
/** A stream that has carried its answer can be resumed for so long, ms. */
export const STREAM_KEPT_MS = 5 * 60_000;
/** Streams of cancelled calls that a session remembers: who comes back to one learns that it is over. */
export const STREAMS_CANCELLED_MAX = 100;
/** A call that is unanswered for so long gets a stream its client can resume, ms. */
export const STREAM_PRIMING_MS = 5_000;
/** A stream without a client counts as its call's way to the client for so long, ms: it may be coming back. */
export const STREAM_AWAITED_MS = 15_000;
/** What a client whose connection broke is asked to wait before it resumes, ms. */
export const STREAM_RETRY_MS = 1_000;
/** The same where the gateway has ended the connection, ms, at least; twice of it at most. */
export const STREAM_CLOSED_RETRY_MS = 3_000;
/** Deadline of connecting to an upstream, its handshake included, ms. */
export const DIAL_MS = 30_000;
/** Deadline of a call without progress, ms. */
export const CALL_DEADLINE_MS = 30_000;
/** Deadline of a call that progress cannot extend, ms. */
export const CALL_DEADLINE_HARD_MS = 600_000;
/** Live sessions of one gateway. */
export const SESSIONS_MAX = 10_000;
/** Live sessions of one principal; of one address where nobody is proved. */
export const SESSIONS_PER_ACCOUNT_MAX = 100;
/** A session without a message or an open stream for so long ends, ms. */
export const SESSION_IDLE_MS = 30 * 60_000;
/** Hard end of a drain, ms. */
export const DRAIN_MS = 30_000;
