// Has Lighthouse and the HTTP Observatory judge each page, and writes the results as JSON.
// Takes on stdin {browser: {executable, args, env}, port, pages: [{name, language, path, status, headers}]}.

import { existsSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { ALL_TESTS } from "@mdn/mdn-http-observatory/src/constants.js";
import { MINIMUM_SCORE_FOR_EXTRA_CREDIT } from "@mdn/mdn-http-observatory/src/grader/charts.js";
import { getGradeForScore, getScoreModifier } from "@mdn/mdn-http-observatory/src/grader/grader.js";
import { retrieve } from "@mdn/mdn-http-observatory/src/retriever/retriever.js";
import lighthouse from "lighthouse";
import { launch } from "puppeteer-core";

// The hosts that browsers know to be https only, downloaded by a script of the package's that we
// don't run. Ours is none of them.
const PRELOADED = fileURLToPath(
  new URL("../conf/hsts-preload.json", import.meta.resolve("@mdn/mdn-http-observatory")),
);

/** Return Lighthouse's two scores for a page, and what it found. */
async function judgeByLighthouse(browser, origin, { path, status, headers }) {
  const page = await browser.newPage();
  const flags = { logLevel: "error", ignoreStatusCode: true, extraHeaders: headers };
  const settings = { onlyCategories: ["accessibility", "best-practices"] };
  // Chromium writes an error status into the console, and this page's status is one on purpose.
  if (status >= 400) settings.skipAudits = ["errors-in-console"];
  const config = { extends: "lighthouse:default", settings };
  const { lhr } = await lighthouse(origin + path, flags, config, page);
  await page.close();
  const { accessibility, "best-practices": practices } = lhr.categories;
  const failed = [accessibility, practices]
    .flatMap(({ auditRefs }) => auditRefs)
    .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score < 1 && lhr.audits[id].score !== null)
    .map(({ id }) => id);
  return {
    accessibility: Math.round(accessibility.score * 100),
    practices: Math.round(practices.score * 100),
    failed: [...failed, ...(lhr.runtimeError ? [lhr.runtimeError.code] : [])],
  };
}

/** Return the Observatory's score and grade for a page, and what it found. Its own `scan` knows no port. */
async function judgeByObservatory(port, { path, status, headers }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  // No server speaks plain http here.
  const answers = await retrieve("localhost", { httpsPort: port, httpPort: 1, path, headers: lines });
  if (answers.responses.auto?.status !== status || !answers.responses.auto.verified)
    throw new Error(`${path} answers ${answers.responses.auto?.status} where ${status} was to come`);
  const results = ALL_TESTS.map((test) => test(answers));
  const modifiers = results.map(({ result }) => getScoreModifier(result));
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const base = 100 + sum(modifiers.filter((modifier) => modifier < 0));
  const extra = base >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers.filter((one) => one > 0)) : 0;
  const { score, grade } = getGradeForScore(base + extra);
  return { score, grade, failed: results.filter(({ pass }) => !pass).map(({ result }) => result) };
}

const { browser: found, port, pages } = JSON.parse(await text(process.stdin));
if (!existsSync(PRELOADED)) writeFileSync(PRELOADED, "{}");
const browser = await launch({
  executablePath: found.executable ?? undefined,
  args: found.args,
  env: { ...process.env, ...found.env },
  headless: "shell",
});
const rows = [];
try {
  for (const page of pages) {
    const seen = await judgeByLighthouse(browser, `https://localhost:${port}`, page);
    const graded = await judgeByObservatory(port, page);
    const failed = [...seen.failed, ...graded.failed];
    rows.push({ name: page.name, language: page.language, ...seen, ...graded, failed });
    console.error(`${rows.length}/${pages.length} ${page.name}`);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(rows));
