import { betterAuth } from "better-auth";
import pg from "pg";

import { settings } from "./settings.js";

/** The onboarding app works in the same database; that is how it finds the session's user. */
export const pool = new pg.Pool({
  connectionString: settings.databaseUrl,
  connectionTimeoutMillis: 5000,
});

// Without a listener, a lost idle connection would end the process.
pool.on("error", (error) => console.error(`database: ${error.message || error.code}`));

/**
 * The site's Better-Auth, with every setting the onboarding app depends on.
 *
 * @param {import("better-auth").BetterAuthOptions} overrides replace the options of the same name;
 *   `user` and `advanced` are merged
 */
export function createAuth(overrides = {}) {
  return betterAuth({
    database: pool,

    // Give the onboarding app the same secret: it checks the session cookie's signature with it.
    secret: settings.secret,

    // And the same URL: https here puts `__Secure-` in front of the session cookie's name.
    baseURL: settings.siteUrl,

    // The app sends people to sign in with its own absolute address as the callbackURL.
    // Better-Auth refuses that for any origin not listed here.
    trustedOrigins: [settings.onboardingOrigin],

    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },

    ...overrides,

    user: {
      // Nothing to do for the profile: ON DELETE CASCADE takes it along with the user.
      deleteUser: { enabled: true },
      ...overrides.user,
    },

    advanced: {
      // Needed when the app has a host name of its own: with the domain `example.com`, a cookie
      // from `www.example.com` also reaches `profile.example.com`. Another port needs nothing.
      ...(settings.cookieDomain && {
        crossSubDomainCookies: { enabled: true, domain: settings.cookieDomain },
      }),
      ...overrides.advanced,
    },
  });
}
