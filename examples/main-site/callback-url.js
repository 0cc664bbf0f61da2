import { settings } from "./settings.js";

const allowedOrigins = [settings.siteUrl, settings.onboardingOrigin];

/**
 * Where to send the browser after signing in: on this site or to the onboarding app, else home.
 *
 * The answer is the address as parsed, not as typed. Backslashes, control characters, `//host` and
 * the like are therefore already read the way the browser is going to read them, and the prefix
 * rules out other schemes, other hosts and a `user@` in front of the host at once.
 *
 * @param {string | undefined} callbackURL as found in the query
 * @returns {string | undefined} undefined when there was none
 */
export function checkedCallbackURL(callbackURL) {
  if (!callbackURL) return undefined;
  if (!URL.canParse(callbackURL, settings.siteUrl)) return "/";
  const { href } = new URL(callbackURL, settings.siteUrl);
  return allowedOrigins.some((origin) => href.startsWith(`${origin}/`)) ? href : "/";
}
