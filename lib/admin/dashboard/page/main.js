/**
 * The page: events of the gateway go to the parts that show them.
 *
 * @module
 */
import { Charts } from "./charts.js";
import { setText } from "./element.js";
import { follow, token } from "./feed.js";
import { age } from "./format.js";
import { Panels } from "./panels.js";
import { startTheme } from "./theme.js";
import { Tiles } from "./tiles.js";
import { Teller } from "./teller.js";

const STATES = {
  connecting: "Connecting",
  live: "Live",
  lost: "Disconnected",
  full: "Too many viewers",
  ended: "Stopped",
  locked: "Locked",
};

const byId = (id) => document.getElementById(id);
const tiles = new Tiles(byId("tiles"));
const charts = new Charts(byId("charts"));
const panels = new Panels(byId("panels"));
const teller = new Teller(byId("told"));
startTheme(byId("theme"), () => charts.recolour());

const wake = follow("dashboard/events", { state: setState, event: take });

byId("lock").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(byId("token").value.trim());
  byId("token").value = "";
  setText(byId("wrong"), "");
  setState("connecting");
  wake();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake();
});

function setState(name, detail = "") {
  const state = name === "full" ? "lost" : name;
  if (document.body.dataset.state === state && name !== "locked") return;
  document.body.dataset.state = state;
  setText(byId("state-text"), STATES[name]);
  byId("lock").hidden = name !== "locked";
  if (name === "locked") setText(byId("wrong"), detail);
  teller.connection(STATES[name]);
}

function take(name, data) {
  setState("live");
  if (name === "history") charts.load(data);
  if (name !== "overview") return;
  const { process, rates, latency, connections } = data;
  const workers = process.workers > 1 ? `, ${process.workers} workers` : "";
  setText(byId("facts"), `up ${age(process.uptimeS)}${workers}`);
  setText(byId("window"), String(Math.round(data.windowS)));
  tiles.show(data);
  panels.show(data);
  teller.overview(data);
  charts.add(Date.now() / 1000, {
    requestsPerS: rates.requestsPerS,
    errorsPerS: rates.errorsPerS,
    p50Ms: latency.p50Ms,
    p95Ms: latency.p95Ms,
    p99Ms: latency.p99Ms,
    bytesInPerS: rates.bytesInPerS,
    bytesOutPerS: rates.bytesOutPerS,
    connections: connections.total,
    sessions: connections.sessions,
    cpuCores: process.cpuCores,
    residentBytes: process.residentBytes,
    loopDelayMs: process.eventLoopDelayP99Ms,
  });
}
