// Uses the page as a person would and prints what was seen, as JSON: node browse.mjs ADDRESS CHROMIUM [PICTURES]
import { chromium } from "playwright-core";

const [address, executablePath, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});
// The test waits for what it asserts; only what never happens ends here.
const PATIENCE = 240_000;
const seen = { requests: [], problems: [] };

async function opened(width, height, colorScheme = "light") {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
  return page;
}

/** Does something that changes the text, and waits until the page has linted it. */
async function linted(page, action) {
  const before = await page.evaluate(() => Number(document.querySelector("#status")?.dataset.asked ?? 0));
  await action();
  await page.waitForFunction(
    (last) => {
      const { asked, linted } = document.querySelector("#status").dataset;
      return Number(asked) > last && linted === asked;
    },
    before,
    { timeout: PATIENCE },
  );
}
const codes = (page) => page.$$eval("#findings article button", (all) => all.map((each) => each.textContent.split(" ")[0]));

const page = await opened(1200, 800);
const start = Date.now();
await linted(page, () => page.goto(address));
seen.first = (Date.now() - start) / 1000;
seen.codes = await codes(page);
seen.marks = await page.locator(".cm-lintRange").count();
if (pictures) await page.screenshot({ path: `${pictures}/wide.png` });

// A keystroke later: a comment at the end of the text.
await page.click("#editor .cm-content");
await page.keyboard.press("Control+End");
const typed = Date.now();
await linted(page, () => page.keyboard.type("#"));
seen.later = (Date.now() - typed) / 1000;
seen.same = JSON.stringify(await codes(page)) === JSON.stringify(seen.codes);

await page.click("[data-panel=fixed]");
seen.changed = await page.locator("#fixed .cm-changedLine").count();
if (pictures) await page.screenshot({ path: `${pictures}/fixed.png` });
await page.click("[data-panel=inspected]");
seen.inspected = await page.textContent("#inspected");

await linted(page, () => page.selectOption("#example", "axolotl.yml"));
seen.yaml = await codes(page);
await linted(page, () => page.selectOption("#example", "notebook.ipynb"));
seen.notebook = await codes(page);
await linted(page, async () => {
  await page.fill("#name", "kohya.toml");
  await page.press("#name", "Enter");
});
seen.toml = await page.textContent("#findings");

// A link carries the text.
await linted(page, () => page.selectOption("#example", "rank_sweep.py"));
seen.swept = await codes(page);
await page.click("#share");
await page.waitForFunction(() => location.hash.length > 10);
const other = await opened(400, 800, "dark");
await linted(other, () => other.goto(page.url()));
seen.linked = await codes(other);
seen.overflow = await other.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
if (pictures) await other.screenshot({ path: `${pictures}/phone.png` });

await browser.close();
console.log(JSON.stringify(seen));
