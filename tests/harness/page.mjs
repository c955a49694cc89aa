// Drives the live page in Chromium, as tests/kafka/page.rs says: a line of JSON with what to do, a line with what was seen.
// Arguments: the folder with playwright-core, the program of Chromium.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.argv[2]}/`);
const { chromium } = require('playwright-core');
const browser = await chromium.launch({ executablePath: process.argv[3], args: ['--no-sandbox'] });
let page = null;
let said = [];
let asked = [];

const steps = {
  async open({ url, dark, width, height, user, password }) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce', // a color is what it is, whenever one looks
      ...(user ? { httpCredentials: { username: user, password } } : {}),
    });
    page = await context.newPage();
    said = [];
    asked = [];
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) said.push(message.text()); });
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    const answer = await page.goto(url);
    return answer?.status() ?? null;
  },
  /** What an expression in the page comes to, once it is something. Playwright's own way evaluates in the page, whose policy forbids that. */
  async wait({ expression, limit }) {
    const end = Date.now() + limit;
    for (;;) {
      const seen = await page.evaluate(`(() => { const seen = ${expression}; return seen instanceof Node ? true : seen; })()`).catch((error) => {
        if (Date.now() >= end) throw error;
      });
      if (seen) return seen;
      if (Date.now() >= end) throw new Error('waited in vain');
      await new Promise((done) => { setTimeout(done, 100); });
    }
  },
  look: ({ expression }) => page.evaluate(expression),
  press: ({ key }) => page.keyboard.press(key).then(() => null),
  click: ({ selector }) => page.click(selector).then(() => null),
  focus: ({ selector }) => page.focus(selector).then(() => null),
  resize: ({ width, height }) => page.setViewportSize({ width, height }).then(() => null),
  scheme: ({ dark }) => page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' }).then(() => null),
  shot: ({ path, full }) => page.screenshot({ path, fullPage: full === true }).then(() => null),
  heard: async () => { const all = { said, asked }; said = []; return all; },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...arguments_ } = JSON.parse(line);
  let answer;
  try {
    answer = { seen: (await steps[step](arguments_)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
