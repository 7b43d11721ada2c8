/**
 * Curves over the last minutes, each with its values in words and a table for those who do not see it.
 *
 * @module
 */
import { h, setText } from "./element.js";
import { amount, brief, bytes, clock, millis } from "./format.js";

/** Time that is shown: what there is, between these, s. */
const SPAN_S_MIN = 60, SPAN_S_MAX = 300;
const TABLE_ROWS = 30;
const AXIS_PX = 52;

/** Every chart: its name, and for each curve its column, its name, its colour and its stroke. */
const CHARTS = [
  ["Requests per second", amount, [
    ["requestsPerS", "answered", "first", []],
    ["errorsPerS", "errors", "bad", [6, 4]],
  ]],
  ["Latency", millis, [
    ["p50Ms", "p50", "first", []],
    ["p95Ms", "p95", "second", [8, 4]],
    ["p99Ms", "p99", "third", [2, 3]],
  ]],
  ["Traffic per second", bytes, [
    ["bytesInPerS", "in", "first", []],
    ["bytesOutPerS", "out", "second", [8, 4]],
  ]],
  ["Event loop delay", millis, [["loopDelayMs", "p99", "first", []]]],
];

/** The charts of the page. */
export class Charts {
  #charts;
  #atS = [];
  #columns = {};

  constructor(place) {
    this.#charts = CHARTS.map((definition) => new Chart(definition));
    place.append(...this.#charts.map(({ element }) => element));
  }

  /** Begins with what has been. */
  load({ atS, columns }) {
    this.#atS = atS;
    this.#columns = columns;
    this.#draw();
  }

  /** Adds the present. */
  add(atS, values) {
    this.#atS.push(atS);
    for (const [name, value] of Object.entries(values)) (this.#columns[name] ??= []).push(value);
    while (this.#atS[0] < atS - SPAN_S_MAX - 5) {
      this.#atS.shift();
      for (const column of Object.values(this.#columns)) column.shift();
    }
    this.#draw();
  }

  /** Draws in the colours that are in force now. */
  recolour() {
    for (const chart of this.#charts) chart.rebuild();
    this.#draw();
  }

  #draw() {
    if (document.hidden) return;
    for (const chart of this.#charts) chart.draw(this.#atS, this.#columns);
  }
}

class Chart {
  #format;
  #curves;
  #plot;
  #place = h("div.plot");
  #waiting = h("p.waiting", {}, "Waiting for figures");
  #keys;
  #table = h("tbody");
  #details;
  #data;
  #hovered = null;

  constructor([title, format, curves]) {
    this.#format = format;
    this.#curves = curves;
    this.#keys = curves.map(() => h("b", {}, "–"));
    const keys = curves.map(([, name, colour, dash], i) => {
      const stroke = dash.length === 0 ? "" : dash[0] > 4 ? ".dashed" : ".dotted";
      const swatch = h(`span.swatch.${colour}${stroke}`, { "aria-hidden": true });
      return h("li", {}, swatch, name, this.#keys[i]);
    });
    this.#place.append(this.#waiting);
    this.#details = tableOf(title, curves, this.#table);
    this.#details.addEventListener("toggle", () => this.#fillTable());
    this.element = h(
      "figure.card.chart",
      {},
      h("figcaption", {}, h("h2", {}, title), h("ul.keys", { "aria-label": "Now" }, ...keys)),
      this.#place,
      this.#details,
    );
    new ResizeObserver(() => this.#resize()).observe(this.#place);
  }

  draw(atS, columns) {
    this.#data = [atS, ...this.#curves.map(([column]) => columns[column] ?? [])];
    this.#waiting.hidden = atS.length > 1;
    if (atS.length < 2) return;
    if (this.#plot === undefined) this.#build();
    const last = atS[atS.length - 1];
    const span = Math.min(Math.max(last - atS[0], SPAN_S_MIN), SPAN_S_MAX);
    this.#plot.setData(this.#data, false);
    this.#plot.batch(() => {
      this.#plot.setScale("x", { min: last - span, max: last });
      this.#plot.setScale("y", { min: 0, max: ceiling(this.#data.slice(1)) });
    });
    this.#showValues();
    if (this.#details.open) this.#fillTable();
  }

  rebuild() {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#place;
    this.#plot?.setSize({ width: clientWidth, height: clientHeight });
  }

  #build() {
    const { clientWidth, clientHeight } = this.#place;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("soft"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new globalThis.uPlot(
      {
        width: clientWidth,
        height: clientHeight,
        legend: { show: false },
        padding: [8, 24, 0, 0],
        cursor: { y: false, points: { size: 6 }, drag: { x: false }, sync: { key: "sluice" } },
        scales: { x: { time: true, auto: false }, y: { auto: false } },
        series: [
          {},
          ...this.#curves.map(([, label, name, dash], i) => ({
            ...{ label, stroke: colour(name), width: 1.75, dash, points: { show: false } },
            ...i === 0 && { fill: `${colour(name)}1c` },
          })),
        ],
        axes: [
          {
            ...axis,
            space: 90,
            values: (_, times) => times.map((s) => clock(1000 * s).slice(0, s % 60 === 0 ? 5 : 8)),
            size: 26,
            incrs: [15, 30, 60, 120],
          },
          {
            ...axis,
            size: AXIS_PX,
            space: 38,
            values: (_, values) => values.map((one) => brief(this.#format(one))),
          },
        ],
        hooks: {
          setCursor: [({ cursor }) => {
            this.#hovered = cursor.idx ?? null;
            this.#showValues();
          }],
        },
      },
      this.#data,
      this.#place,
    );
    this.#plot.root.setAttribute("aria-hidden", "true");
  }

  #showValues() {
    const [atS, ...columns] = this.#data;
    const at = this.#hovered ?? atS.length - 1;
    columns.forEach((column, i) => setText(this.#keys[i], this.#format(column[at])));
  }

  #fillTable() {
    if (this.#data === undefined) return;
    const [atS, ...columns] = this.#data;
    const rows = [];
    for (let i = atS.length - 1; i >= 0 && rows.length < TABLE_ROWS; i -= 10) {
      const cells = columns.map((column) => h("td.number", {}, this.#format(column[i])));
      rows.push(h("tr", {}, h("th.time", { scope: "row" }, clock(1000 * atS[i])), ...cells));
    }
    this.#table.replaceChildren(...rows);
  }
}

function tableOf(title, curves, body) {
  const heads = curves.map(([, name]) => h("th.number", { scope: "col" }, name));
  const table = h(
    "table",
    {},
    h("caption.unseen", {}, `${title}, every ten seconds`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), ...heads)),
    body,
  );
  const scroll = h(
    "div.scroll",
    { tabindex: 0, role: "region", "aria-label": `${title}, table` },
    table,
  );
  return h("details", {}, h("summary", {}, "Show as a table"), scroll);
}

/** The next round number above everything that is shown: the axis does not tremble. */
function ceiling(columns) {
  let most = 0;
  for (const column of columns) for (const value of column) if (value > most) most = value;
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most * 1.05));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= most * 1.05);
  return step * power;
}
