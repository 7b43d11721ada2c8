import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import {
  browserProgram,
  layoutShift,
  openBrowser,
  paleTexts,
  recordOf,
  watchLayout,
} from "../fixtures/browser.ts";
import { DashboardScene } from "../fixtures/dashboard_scene.ts";

const program = browserProgram();
if (program === undefined) console.log("dashboard: SKIPPED, there is no chromium on this machine");
/** Screenshots are kept where this names a folder. */
const SCREENSHOTS = Deno.env.get("SLUICE_TEST_SCREENSHOTS");

const VIEWS = [
  { width: 1280, height: 860, colorScheme: "light" },
  { width: 1280, height: 860, colorScheme: "dark" },
  { width: 400, height: 800, colorScheme: "light" },
  { width: 400, height: 800, colorScheme: "dark" },
] as const;

async function openPage(browser: Browser, view: typeof VIEWS[number]) {
  const { colorScheme, ...viewport } = view;
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  const record = recordOf(page);
  await watchLayout(page);
  return { context, page, record };
}

async function live(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForSelector('body[data-state="live"]');
  await page.waitForSelector("figure .uplot canvas");
  await page.locator("#tiles .tile:first-child .value", { hasNotText: /^[0–]$/ }).waitFor();
}

Deno.test({
  name: "the dashboard is readable, quiet and asks nobody else, at every width and in both schemes",
  ignore: program === undefined,
  async fn() {
    await using scene = await DashboardScene.start();
    const browser = await openBrowser(program!);
    try {
      for (const view of VIEWS) {
        const { context, page, record } = await openPage(browser, view);
        await live(page, scene.dashboard);
        const where = `${view.width} ${view.colorScheme}`;
        if (SCREENSHOTS !== undefined) {
          await page.waitForTimeout(3_000); // only for whoever looks at them
          const path = `${SCREENSHOTS}/dashboard-${view.width}-${view.colorScheme}.png`;
          await page.screenshot({ path, fullPage: true });
        }
        assert.deepEqual(await paleTexts(page), [], where);
        const { origin } = new URL(scene.dashboard);
        assert.deepEqual(record.requested.filter((url) => !url.startsWith(origin)), []);
        assert.deepEqual(record.complaints, [], where);
        const shift = await layoutShift(page);
        assert.ok(shift < 0.001, `${where}: the layout has shifted by ${shift}`);
        const width = await page.evaluate("document.documentElement.scrollWidth");
        assert.equal(width, view.width, `${where}: it scrolls sideways`);
        await context.close();
      }
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name: "the dashboard can be used by keyboard and read aloud",
  ignore: program === undefined,
  async fn() {
    await using scene = await DashboardScene.start();
    const browser = await openBrowser(program!);
    try {
      const { page } = await openPage(browser, VIEWS[0]);
      await live(page, scene.dashboard);
      for (const role of ["banner", "main", "contentinfo"] as const) {
        assert.equal(await page.getByRole(role).count(), 1, role);
      }
      assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
      const regions = await page.evaluate(
        `[...document.querySelectorAll('[role="region"], section, [role="status"]')].filter((one) =>
          !one.hasAttribute("aria-label") && !one.hasAttribute("aria-labelledby") && one.id !== "told").length`,
      );
      assert.equal(regions, 0, "a region has no name");
      assert.equal(await page.locator('[aria-live]:not([aria-live="polite"])').count(), 0);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate("document.activeElement.className"), "skip");
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate("document.activeElement.id"), "theme");
      const scheme = () => page.evaluate("document.documentElement.dataset.theme");
      assert.equal(await scheme(), "light");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
      assert.equal(await scheme(), "dark");
      assert.equal(
        await page.getByRole("button").getAttribute("aria-label"),
        "Colour scheme: dark",
      );
      assert.deepEqual(await paleTexts(page), []);
      await page.getByText("Show as a table").first().click();
      await page.locator("figure tbody tr").first().waitFor();
      const table = page.getByRole("table", { name: /^Requests per second/ });
      assert.deepEqual(await table.getByRole("columnheader").allTextContents(), [
        ...["Time", "answered", "errors"],
      ]);
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name: "the dashboard asks for a token, and says when the gateway has gone",
  ignore: program === undefined,
  async fn() {
    const token = crypto.randomUUID();
    await using scene = await DashboardScene.start({ token });
    const browser = await openBrowser(program!);
    try {
      const { page } = await openPage(browser, VIEWS[2]);
      await page.goto(scene.dashboard);
      await page.waitForSelector('body[data-state="locked"]');
      assert.deepEqual(await paleTexts(page), []);
      if (SCREENSHOTS !== undefined) {
        await page.screenshot({ path: `${SCREENSHOTS}/dashboard-locked.png` });
      }
      const enter = async (text: string) => {
        await page.getByLabel("Token").fill(text);
        await page.keyboard.press("Enter");
      };
      await enter("wrong");
      await page.getByText("This token is not known.").waitFor();
      await enter(token);
      await page.waitForSelector('body[data-state="live"]');
      await scene.stop();
      await page.waitForSelector('body[data-state="lost"], body[data-state="ended"]');
      assert.deepEqual(await paleTexts(page), []);
      if (SCREENSHOTS !== undefined) {
        await page.screenshot({ path: `${SCREENSHOTS}/dashboard-stopped.png` });
      }
      const said = page.getByRole("status");
      await page.locator("#told", { hasText: /Stopped|Disconnected/ }).waitFor({
        state: "attached",
      });
      assert.equal(await said.count(), 1);
    } finally {
      await browser.close();
    }
  },
});
