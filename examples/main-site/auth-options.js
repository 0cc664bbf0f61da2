/**
 * The site's Better-Auth options, with every one that the onboarding app depends on.
 *
 * @param {object} site
 * @param {import("better-auth").BetterAuthOptions["database"]} site.database
 * @param {string} site.secret
 * @param {string} site.siteUrl
 * @param {string} site.onboardingOrigin
 * @param {string} [site.cookieDomain]
 * @param {import("better-auth").BetterAuthOptions} overrides replace the options of the same name;
 *   `user` and `advanced` are merged
 * @returns {import("better-auth").BetterAuthOptions}
 */
export function authOptions(site, overrides = {}) {
  return {
    // The onboarding app works in the same database; that is how it finds the session's user.
    database: site.database,

    // Give the onboarding app the same secret: it checks the session cookie's signature with it.
    secret: site.secret,

    // And the same URL: https here puts `__Secure-` in front of the session cookie's name.
    baseURL: site.siteUrl,

    // The app sends people to sign in with its own absolute address as the callbackURL.
    // Better-Auth refuses that for any origin not listed here.
    trustedOrigins: [site.onboardingOrigin],

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
      ...(site.cookieDomain && {
        crossSubDomainCookies: { enabled: true, domain: site.cookieDomain },
      }),
      ...overrides.advanced,
    },
  };
}
