/**
 * The details below the charts: a panel for each part of the gateway.
 *
 * @module
 */
import { h, setText } from "./element.js";
import { age, amount, bytes, clock, percent, whole, words } from "./format.js";
import { bars, empty, meter, pairs, rows, table } from "./pieces.js";

/** Title of a panel, and what it makes of an overview: a note for its head, and its content. */
const PANELS = [
  ["Connections", connections],
  ["Capacity", capacity],
  ["Objectives", objectives],
  ["Circuit breakers", breakers],
  ["Pools", pools],
  ["Cache", cache],
  ["Shared memory", sharedMemory],
  ["Rate limits", rateLimits],
  ["Errors by code", errors],
  ["Security events", security, "wide"],
  ["Alerts", alerts],
];

/** See the module. */
export class Panels {
  #panels;

  constructor(place) {
    this.#panels = PANELS.map(([title, , size = ""]) => {
      const note = h("p"), id = `panel-${title.toLowerCase().replace(/ /g, "-")}`;
      const body = h(
        "div.body",
        { tabindex: 0, role: "region", "aria-labelledby": id },
        empty("Waiting for figures"),
      );
      const head = h("header", {}, h("h2", { id }, title), note);
      const element = h(
        size === "" ? "article.card.panel" : "article.card.panel.wide",
        {},
        head,
        body,
      );
      return { element, note, body, shown: "" };
    });
    place.append(...this.#panels.map(({ element }) => element));
  }

  /** Shows an overview; what is the same as before is left alone. */
  show(overview) {
    PANELS.forEach(([, read], i) => {
      const panel = this.#panels[i];
      const { note = "", content } = read(overview);
      setText(panel.note, note);
      if (content.outerHTML === panel.shown) return;
      panel.shown = content.outerHTML;
      panel.body.replaceChildren(content);
    });
  }
}

function connections({ connections: { total, byTransport, sessions } }) {
  const open = Object.entries(byTransport).filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a).map(([name, count]) => [words(name), count]);
  const overHttp = Math.max(0, sessions - total); // every connection has a session
  const all = overHttp > 0 ? [...open, ["Sessions over HTTP", overHttp]] : open;
  if (all.length === 0) return { content: empty("Nobody is connected") };
  const most = Math.max(...all.map(([, count]) => count));
  const content = bars(all.map(([name, count]) => [name, whole(count), count / most]));
  return { note: `${whole(total)} open`, content };
}

function capacity({ capacity }) {
  if (capacity.length === 0) return { content: empty("Nothing is watched") };
  const short = capacity.filter(({ isOver }) => isOver).length;
  return {
    note: short === 0 ? "enough of everything" : `short of ${short}`,
    content: rows(
      capacity.map(({ resource, ratio, threshold, isOver }) =>
        meter(words(resource), percent(ratio), ratio, isOver ? "bad" : "", threshold)
      ),
    ),
  };
}

function objectives({ objectives }) {
  const asked = objectives.some(({ requests }) => requests > 0);
  if (!asked) return { content: empty("No requests yet", "Objectives are judged by answers.") };
  const missed = objectives.filter(({ compliance, target }) => compliance < target).length;
  return {
    note: missed === 0 ? "all kept" : `${missed} missed`,
    content: table(
      ["Objective", "Kept", "Target"],
      objectives.map((one) => [
        words(one.objective),
        badge(percent(one.compliance), one.compliance < one.target ? "bad" : "good"),
        percent(one.target),
      ]),
    ),
  };
}

const STATES = {
  open: ["bad", "open"],
  halfOpen: ["warn", "half open"],
  closed: ["good", "closed"],
};
const WORST_FIRST = ["open", "halfOpen", "closed"];

function breakers({ breakers }) {
  if (breakers.length === 0) {
    return { content: empty("No breakers", "Built-in servers have none.") };
  }
  const open = breakers.filter(({ state }) => state !== "closed").length;
  const sorted = breakers.toSorted((a, b) =>
    WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state)
  );
  return {
    note: open === 0 ? "all closed" : `${open} not closed`,
    content: rows(sorted.map(({ upstream, state }) => {
      const [level, text] = STATES[state];
      return h("div.row", {}, h("span", { title: upstream }, upstream), badge(text, level));
    })),
  };
}

function pools({ pools }) {
  if (pools.length === 0) {
    return { content: empty("No pools", "A server becomes one with upstreams.NAME.pool.") };
  }
  return {
    content: rows(pools.map(({ upstream, byState }) => {
      const states = Object.entries(byState).filter(([, count]) => count > 0)
        .map(([state, count]) => `${whole(count)} ${state}`);
      const text = states.length === 0 ? "empty" : states.join(", ");
      return h("div.row", {}, h("span", { title: upstream }, upstream), h("span.soft", {}, text));
    })),
  };
}

const TIERS = { l1: "Memory", l2: "Shared memory", l3: "Servers" };

function cache({ cache: { tiers, bytes: used } }) {
  const asked = tiers.filter(({ byOutcome }) => Object.values(byOutcome).some((n) => n > 0));
  if (asked.length === 0) return { content: empty("Nothing was asked yet") };
  return {
    note: `${bytes(used)} kept`,
    content: rows(asked.map(({ tier, byOutcome, hitShare }) => {
      const name = TIERS[tier] ?? tier;
      if (hitShare !== null) {
        return meter(name, `${percent(hitShare)} hits`, hitShare, "");
      }
      const text = Object.entries(byOutcome).map(([how, n]) => `${amount(n)} ${how}`).join(", ");
      return h("div.row", {}, h("span", {}, name), h("span.soft", {}, text));
    })),
  };
}

function sharedMemory({ shm }) {
  if (shm.entries === 0 && shm.bytes === 0) {
    return { content: empty("Nothing is exported", "Turn it on with --shm PATH.") };
  }
  return {
    note: `published ${age(shm.ageS)} ago`,
    content: pairs([
      ["Entries", whole(shm.entries)],
      ["Size", bytes(shm.bytes)],
      ["Fragmentation", percent(shm.fragmentation)],
    ]),
  };
}

function rateLimits({ rateLimited }) {
  const refused = Object.entries(rateLimited).filter(([, count]) => count > 0);
  if (refused.length === 0) return { content: empty("Nobody was over a limit") };
  const total = refused.reduce((sum, [, count]) => sum + count, 0);
  return {
    note: `${amount(total)} refused`,
    content: bars(refused.map(([tier, count]) => [
      tier === "none" ? "No tier" : words(tier),
      amount(count),
      count / total,
      "warn",
    ])),
  };
}

const CODES = {
  "-32700": "Parse error",
  "-32600": "Invalid request",
  "-32601": "Unknown method",
  "-32602": "Invalid params",
  "-32603": "Internal error",
  "-32020": "Header mismatch",
  "-32021": "Missing capability",
  "-32022": "Unsupported version",
  "-31001": "Server lost",
  "-31002": "Server timed out",
  "-31003": "No healthy server",
  "-31004": "Rate limited",
  "-31005": "Overloaded",
  "-31006": "Server broke the protocol",
  "-31007": "Too large",
  "-31008": "No quorum",
  "-31009": "Denied",
};

function codeText(code) {
  return code in CODES ? `${CODES[code]} (${code})` : code;
}

function errors({ errorsByCode }) {
  const counted = Object.entries(errorsByCode).filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (counted.length === 0) return { content: empty("No errors since the start") };
  const most = counted[0][1];
  return {
    note: `${amount(counted.reduce((sum, [, count]) => sum + count, 0))} in all`,
    content: bars(
      counted.map(([code, count]) => [codeText(code), amount(count), count / most, "bad"]),
    ),
  };
}

function security({ security: { byType, recent } }) {
  const total = Object.values(byType).reduce((sum, count) => sum + count, 0);
  if (total === 0) return { content: empty("Nothing suspicious since the start") };
  return {
    note: `${amount(total)} since the start`,
    content: table(
      ["Time", "Event", "From", "Detail"],
      recent.slice(0, 50).map((one) => [
        h("span.time", {}, clock(one.atMs)),
        words(one.type),
        h("span.break", {}, one.principal ?? withoutPort(one.address) ?? one.upstream ?? "–"),
        h("span.soft.break", {}, one.detail ?? ""),
      ]),
    ),
  };
}

/** Of an address the port says nothing: every connection has another one. */
function withoutPort(address) {
  return address?.replace(/^(\d+(?:\.\d+){3}|\[.*\]):\d+$/, "$1");
}

function alerts({ alerts, anomalies }) {
  const present = anomalies.filter(({ isAnomalous }) => isAnomalous);
  const note = present.length === 0 ? "" : `${present.length} anomalies now`;
  if (alerts.length === 0) return { note, content: empty("No alerts since the start") };
  return {
    note,
    content: rows(
      alerts.slice(0, 50).map(({ atMs, kind, name, isOver }) => {
        const text = `${words(name)}${kind === "anomaly" ? " is unusual" : " runs short"}`;
        const what = h("span", {}, h("span.time", {}, clock(atMs)), ` ${text}`);
        return h("div.row", {}, what, badge(isOver ? "begun" : "over", isOver ? "warn" : "good"));
      }),
    ),
  };
}

function badge(text, level) {
  const sign = { good: "✓", warn: "!", bad: "✕" }[level];
  return h(`span.badge.${level}`, {}, h("span", { "aria-hidden": true }, sign), text);
}
