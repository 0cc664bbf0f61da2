/**
 * Better-Auth main sites for the compatibility tests, many in one process.
 *
 * `node main.js better-auth-1.7.0` reads a JSON line for each site to open (`{"port": …}`, see
 * `opened`) or to close (`{"close": port}`) and answers each with one: `{"ready": port}`,
 * `{"closed": port}` or `{"error": "…"}`. It ends with its stdin.
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import { handleAuthProxyRequest } from "@neondatabase/auth/server";
import { redisStorage } from "@better-auth/redis-storage";
import { Redis } from "ioredis";
import { PostgresDialect } from "kysely";
import pg from "pg";

import { authOptions } from "../../../examples/main-site/auth-options.js";
import { drizzleDatabase } from "./drizzle.js";

const library = process.argv[2];
const { betterAuth } = await import(library);
const { getAuthTables } = await import(`${library}/db`);
const { getMigrations } = await import(`${library}/db/migration`);
const { drizzleAdapter } = await import(`${library}/adapters/drizzle`);
const allPlugins = await import(`${library}/plugins`);

/** What to close, by port. */
const open = new Map();

/**
 * Open a site: its own migrations first, then a server that has Better-Auth and a sign-in page.
 *
 * The order has `port`, `siteUrl` (https or not: the server itself never is), `onboardingOrigin`,
 * `databaseUrl`, `options` and `plugins` of Better-Auth, `migrate`, and may have `secret`, `schemaName`,
 * `redisUrl` for a secondary storage, `drizzle`, the options of its adapter, and `neon`, those of the
 * cookies of Neon Auth's package, which then forwards to a Better-Auth on a port of its own.
 */
async function opened(order) {
  const pool = new pg.Pool({ connectionString: order.databaseUrl, max: 4 });
  pool.on("error", (error) => console.error(`database: ${error.message}`));
  const redis = order.redisUrl && new Redis(order.redisUrl);
  const overrides = {
    // A password takes Better-Auth a tenth of a second to hash; how it does is no matter here.
    emailAndPassword: { enabled: true, password: { hash: hashed, verify: isHash } },
    ...order.options,
    plugins: Object.entries(order.plugins).map(([name, options]) => allPlugins[name](options)),
    ...(redis && { secondaryStorage: redisStorage({ client: redis }) }),
  };
  const options = authOptions({ ...order, database: pool }, overrides);
  if (order.schemaName) {
    const dialect = new PostgresDialect({ pool });
    options.database = { dialect, type: "postgres", schemaName: order.schemaName };
  }
  if (order.drizzle) {
    const { db, schema, ddl } = drizzleDatabase(pool, getAuthTables(options), options, order.drizzle);
    if (order.migrate) await pool.query(ddl);
    options.database = drizzleAdapter(db, { provider: "pg", schema, ...order.drizzle });
  }
  const hosted = order.neon && createServer();
  if (hosted) {
    await new Promise((resolve) => hosted.listen(0, "127.0.0.1", resolve));
    options.baseURL = `http://127.0.0.1:${hosted.address().port}/neondb/auth`;
    options.trustedOrigins = [order.siteUrl, order.onboardingOrigin];
    options.secret = randomBytes(32).toString("hex");
  }
  const auth = betterAuth(options);
  if (order.migrate && !order.drizzle) await (await getMigrations(auth.options)).runMigrations();
  const own = hosted ? neonAuth(auth, order) : auth;
  const serve = (handled, url) => (request, response) =>
    answer(handled, url, request, response).catch((error) => response.destroy(error));
  hosted?.on("request", serve(auth, options.baseURL));
  const server = createServer(serve(own, order.siteUrl));
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(order.port, "127.0.0.1", resolve);
  });
  open.set(order.port, async () => {
    server.close();
    server.closeAllConnections();
    hosted?.close();
    hosted?.closeAllConnections();
    redis?.disconnect();
    await pool.end();
  });
  return { ready: order.port };
}

/**
 * Not by Better-Auth's own `toNodeHandler`, which in 1.6.0 never ends a response larger than a
 * stream's buffer: large users see a page that loads for ever.
 */
async function answer(auth, siteUrl, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url, siteUrl);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
  const { method, headers } = request;
  const answered =
    url.pathname === "/sign-in"
      ? await signInPage(auth, url, new Headers(headers))
      : await auth.handler(new Request(url, { method, headers, body }));
  const fields = Object.fromEntries(answered.headers);
  const cookies = answered.headers.getSetCookie();
  response.writeHead(answered.status, { ...fields, "set-cookie": cookies });
  response.end(Buffer.from(await answered.arrayBuffer()));
}

/** What Neon Auth's package makes of a main site: a proxy, with a cache of sessions by its own secret. */
function neonAuth(auth, { neon: { domain }, secret }) {
  const baseUrl = auth.options.baseURL;
  const handler = (request) => {
    const path = new URL(request.url).pathname.replace("/api/auth/", "");
    return handleAuthProxyRequest({ request, path, baseUrl, cookieSecret: secret, domain });
  };
  return { handler, api: auth.api };
}

/** The sign-in page of a site that sends whoever it believes to be signed in straight back. */
async function signInPage(auth, url, headers) {
  const session = await auth.api.getSession({ headers });
  if (!session) return new Response("Sign in");
  const location = url.searchParams.get("callbackURL");
  return new Response(null, { status: 302, headers: { location } });
}

async function hashed(password) {
  return createHash("sha256").update(password).digest("hex");
}

async function isHash({ hash, password }) {
  return hash === (await hashed(password));
}

async function closed({ close: port }) {
  await open.get(port)();
  open.delete(port);
  return { closed: port };
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const said = await (order.close ? closed(order) : opened(order)).catch((error) => ({
    error: error.stack ?? String(error),
  }));
  console.log(JSON.stringify(said));
}
process.exit(0);
