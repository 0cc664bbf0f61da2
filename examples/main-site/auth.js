import { betterAuth } from "better-auth";
import pg from "pg";

import { authOptions } from "./auth-options.js";
import { settings } from "./settings.js";

export const pool = new pg.Pool({
  connectionString: settings.databaseUrl,
  connectionTimeoutMillis: 5000,
});

// Without a listener, a lost idle connection would end the process.
pool.on("error", (error) => console.error(`database: ${error.message || error.code}`));

/**
 * The site's Better-Auth.
 *
 * @param {import("better-auth").BetterAuthOptions} overrides as for `authOptions`
 */
export function createAuth(overrides = {}) {
  return betterAuth(authOptions({ database: pool, ...settings }, overrides));
}
