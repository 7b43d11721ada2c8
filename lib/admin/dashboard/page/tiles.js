/**
 * The six figures that tell how the gateway does.
 *
 * @module
 */
import { h, setText } from "./element.js";
import { amount, bytes, millis, percent, whole } from "./format.js";

/** Name of a tile, and what it shows of an overview: value with unit, a line below, and how serious it is. */
const TILES = [
  ["Requests per second", ({ rates }) => [
    amount(rates.requestsPerS),
    `${amount(rates.messagesInPerS)} in, ${amount(rates.messagesOutPerS)} out`,
  ]],
  ["Errors", ({ rates }) => [
    percent(rates.errorShare),
    `${amount(rates.errorsPerS)} a second`,
    rates.errorShare >= 0.05 ? "bad" : rates.errorShare >= 0.01 ? "warn" : "",
  ]],
  ["Latency, p99", ({ latency }) => [
    latency.count === 0 ? "–" : millis(latency.p99Ms),
    latency.count === 0
      ? "no answers yet"
      : `p50 ${millis(latency.p50Ms)}, p95 ${millis(latency.p95Ms)}`,
  ]],
  ["Sessions", ({ connections }) => [
    whole(connections.sessions),
    `${whole(connections.total)} connections, ${whole(connections.children)} children`,
  ]],
  ["Processor", ({ process, capacity }) => [
    `${process.cpuCores.toFixed(2)} ${process.cpuCores === 1 ? "core" : "cores"}`,
    `loop delay ${millis(process.eventLoopDelayP99Ms)}`,
    isOver(capacity, "cpu") ? "warn" : "",
  ]],
  ["Memory", ({ process, capacity }) => [
    bytes(process.residentBytes),
    `heap ${bytes(process.heapUsedBytes)}`,
    isOver(capacity, "memory") ? "warn" : "",
  ]],
];

/** See the module. */
export class Tiles {
  #tiles;

  constructor(place) {
    this.#tiles = TILES.map(([name]) => {
      const value = h("dd.value", {}, "–");
      const more = h("dd.more", {}, "\u00a0");
      const element = h("div.tile", {}, h("dt", {}, name), value, more);
      return { element, value, more };
    });
    place.append(...this.#tiles.map(({ element }) => element));
  }

  /** Shows an overview. */
  show(overview) {
    TILES.forEach(([, read], i) => {
      const [value, more, level = ""] = read(overview);
      const [number, unit = ""] = value.split(" ");
      const tile = this.#tiles[i];
      setText(tile.value, number);
      if (unit === "") delete tile.value.dataset.unit;
      else tile.value.dataset.unit = unit;
      setText(tile.more, more);
      tile.element.className = level === "" ? "tile" : `tile ${level}`;
    });
  }
}

function isOver(capacity, name) {
  return capacity.some(({ resource, isOver }) => resource === name && isOver);
}
