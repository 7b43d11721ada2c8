/**
 * Numbers as people read them. Each gives a text of few characters, so that nothing moves when it changes.
 *
 * @module
 */

const EM = "–";
const SPELLINGS = {
  cpu: "Processor",
  http: "HTTP",
  sse: "SSE",
  stdio: "stdio",
  tcp: "TCP",
  tls: "TLS",
  unix: "Unix socket",
  websocket: "WebSocket",
};

/** 1234567 as `1.23 M`; what is not there as a dash. */
export function amount(value) {
  if (!Number.isFinite(value)) return EM;
  if (value < 1000) return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : few(value);
  const [divisor, unit] = value < 1e6 ? [1e3, "k"] : value < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${few(value / divisor)} ${unit}`;
}

/** A whole number with separators. */
export function whole(value) {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en-GB") : EM;
}

/** Bytes as `1.2 MB`. */
export function bytes(value) {
  if (!Number.isFinite(value)) return EM;
  if (value < 1000) return `${value.toFixed(0)} B`;
  const [divisor, unit] = value < 1e6 ? [1e3, "kB"] : value < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${few(value / divisor)} ${unit}`;
}

/** Milliseconds: `0.42 ms`, `12.3 ms`, `1.25 s`. */
export function millis(value) {
  if (!Number.isFinite(value)) return EM;
  return value < 1000 ? `${few(value)} ms` : `${few(value / 1000)} s`;
}

/** The same without zeros that say nothing, for axes. */
export function brief(text) {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/** A share as percent. */
export function percent(share) {
  if (!Number.isFinite(share)) return EM;
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value} %`;
  if (value > 99) return `${Math.min(99.99, value).toFixed(2)} %`;
  return `${value < 0.1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** Seconds as `3 d 4 h`, `12 min`, `8 s`. */
export function age(seconds) {
  if (!Number.isFinite(seconds)) return EM;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  }
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** A time of today as `14:03:27`. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString("en-GB");
}

/** `NoHealthyUpstream` and `too_many_connections` as words. */
export function words(name) {
  const text = name.replace(/_/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  if (Object.hasOwn(SPELLINGS, text)) return SPELLINGS[text];
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function few(value) {
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
