/**
 * The files of the dashboard, in the program itself.
 *
 * @module
 */
import uplotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import charts from "./page/charts.js" with { type: "text" };
import element from "./page/element.js" with { type: "text" };
import feed from "./page/feed.js" with { type: "text" };
import format from "./page/format.js" with { type: "text" };
import icon from "./page/icon.svg" with { type: "text" };
import page from "./page/index.html" with { type: "text" };
import main from "./page/main.js" with { type: "text" };
import panelStyle from "./page/panels.css" with { type: "text" };
import panels from "./page/panels.js" with { type: "text" };
import pieces from "./page/pieces.js" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import teller from "./page/teller.js" with { type: "text" };
import theme from "./page/theme.js" with { type: "text" };
import tiles from "./page/tiles.js" with { type: "text" };

/** One file. */
export interface Asset {
  readonly type: string;
  readonly text: string;
}

const script = (text: unknown): Asset => ({
  type: "text/javascript; charset=utf-8",
  text: String(text),
});
const sheet = (text: unknown): Asset => ({ type: "text/css; charset=utf-8", text: String(text) });

/** The page. */
export const PAGE = String(page);

/** Everything that the page asks for, by its name below the page. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "uplot.js": script(uplotScript),
  "uplot.css": sheet(uplotStyle),
  "style.css": sheet(style),
  "panels.css": sheet(panelStyle),
  "icon.svg": { type: "image/svg+xml", text: String(icon) },
  "main.js": script(main),
  "charts.js": script(charts),
  "element.js": script(element),
  "feed.js": script(feed),
  "format.js": script(format),
  "panels.js": script(panels),
  "pieces.js": script(pieces),
  "teller.js": script(teller),
  "theme.js": script(theme),
  "tiles.js": script(tiles),
};
