/**
 * What panels are made of: rows, bars, meters, tables, and what stands where there is nothing.
 *
 * @module
 */
import { h } from "./element.js";

/** What stands where there is nothing to show. */
export function empty(text, hint) {
  return h("div.empty", {}, h("b", {}, text), hint === undefined ? undefined : h("span", {}, hint));
}

/** A list; its items are elements. */
export function rows(items) {
  return h("ul.rows", {}, ...items.map((item) => h("li", {}, item)));
}

/**
 * A share of a whole, in words and as a bar.
 *
 * @param share 0 to 1
 * @param level "", "warn" or "bad"
 * @param threshold where it becomes too much, 0 to 1
 */
export function meter(name, text, share, level, threshold) {
  const width = `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  const fill = h(level === "" ? "div.fill" : `div.fill.${level}`, { style: { width } });
  const marked = threshold !== undefined && threshold < 1;
  const mark = marked ? h("div.mark", { style: { left: `${100 * threshold}%` } }) : undefined;
  return h(
    "div",
    {},
    h("div.row", {}, h("span", { title: name }, name), h("strong", {}, text)),
    h("div.track", { "aria-hidden": true }, fill, mark),
  );
}

/** Several of them; each is a name, a text, a share and a level. */
export function bars(list) {
  return rows(list.map(([name, text, share, level = ""]) => meter(name, text, share, level)));
}

/** Names and values, large. */
export function pairs(list) {
  return h(
    "dl.pairs",
    {},
    ...list.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** A table; the first cell of a row is its head. */
export function table(heads, lines) {
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h(
      "tbody",
      {},
      ...lines.map(([first, ...others]) =>
        h("tr", {}, h("th", { scope: "row" }, first), ...others.map((cell) => h("td", {}, cell)))
      ),
    ),
  );
}
