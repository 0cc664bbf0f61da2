import { fileURLToPath } from "node:url";

import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";

import { createAuth, pool } from "./auth.js";
import { checkedCallbackURL } from "./callback-url.js";
import * as pages from "./pages.js";
import { getProfile } from "./public/profile.js";
import { settings } from "./settings.js";

const auth = createAuth();
const app = new Hono();

app.on(["GET", "POST"], "/api/auth/*", (c) => auth.handler(c.req.raw));

app.use("/public/*", serveStatic({ root: fileURLToPath(new URL(".", import.meta.url)) }));

app.use(async (c, next) => {
  c.header("Cache-Control", "no-store");
  c.header(
    "Content-Security-Policy",
    `default-src 'self' ${settings.onboardingOrigin}; base-uri 'none'; frame-ancestors 'none'`,
  );

  const { headers, response: session } = await auth.api.getSession({
    headers: c.req.raw.headers,
    returnHeaders: true,
  });
  // Better-Auth extends a session in use; the browser's cookie has to follow.
  for (const cookie of headers.getSetCookie()) c.header("Set-Cookie", cookie, { append: true });
  c.set("user", session?.user);

  await next();
});

app.get("/", async (c) => {
  const user = c.get("user");
  if (!user) return c.html(pages.welcome());
  const [profile, visitor] = await Promise.all([
    readProfile(user.id),
    askForProfile(c.req.header("Cookie")),
  ]);
  return c.html(pages.home({ user, profile, visitor }));
});

app.get("/setup", (c) => {
  if (!c.get("user")) return c.redirect("/sign-in?callbackURL=/setup", 303);
  return c.html(pages.setup());
});

// Somebody signed in stays on these pages, with a link to go on. Redirecting them could loop: the
// onboarding app sends people here whenever it doesn't accept their session.
app.get("/sign-in", (c) => {
  const callbackURL = checkedCallbackURL(c.req.query("callbackURL"));
  return c.html(pages.signIn({ user: c.get("user"), callbackURL }));
});

app.get("/sign-up", (c) => {
  const callbackURL = checkedCallbackURL(c.req.query("callbackURL"));
  return c.html(pages.signUp({ user: c.get("user"), callbackURL }));
});

app.notFound((c) => c.html(pages.notFound(), 404));

// All that can fail on a page is the database: the session's lookup or the profile's.
app.onError((error, c) => {
  console.error(`${c.req.method} ${c.req.path}: ${error.message || error.code}`);
  c.header("Retry-After", "5");
  return c.html(pages.unavailable(), 503);
});

/**
 * The onboarding app's answers about a user, straight from its table.
 *
 * @param {string} userId
 * @returns {Promise<import("./pages.js").Profile | undefined>}
 */
async function readProfile(userId) {
  const { rows } = await pool.query(
    `SELECT python_proficiency, developer_role, is_onboarded
       FROM user_profile
      WHERE user_id = $1`,
    [userId],
  );
  return rows[0];
}

/**
 * The same answers, asked of the onboarding app with the visitor's own cookie. A site needs only one of
 * the two ways; this one shows both.
 *
 * @param {string | undefined} cookie
 * @returns {Promise<import("./profile.ts").Visitor | undefined>} undefined: no page waits for the app
 */
async function askForProfile(cookie) {
  try {
    return await getProfile(settings.onboardingUrl, { cookie, timeoutMs: 1000 });
  } catch (error) {
    console.error(`the onboarding app: ${error.message}`);
    return undefined;
  }
}

const server = serve({ fetch: app.fetch, hostname: settings.host, port: settings.port }, () =>
  console.log(`ready: ${settings.siteUrl}`),
);

server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
