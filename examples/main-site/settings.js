/** The environment, checked once, so that a mistake shows at the start and not at a first visit. */

const { env } = process;
const problems = [];

/** @param {string} name */
function required(name) {
  if (!env[name]) problems.push(`${name} is missing`);
  return env[name];
}

/**
 * @param {string} name
 * @param {string} fallback
 */
function httpUrl(name, fallback) {
  const value = env[name] || fallback;
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return new URL(value);
  problems.push(`${name} must be an http(s) URL, for example ${fallback}`);
  return new URL(fallback);
}

function tcpPort() {
  const port = Number(env.PORT || 3000);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  problems.push("PORT must be a number from 1 to 65535");
  return 3000;
}

const port = tcpPort();
const onboarding = httpUrl("ONBOARDING_URL", "http://localhost:8000");

export const settings = {
  port,
  host: env.HOST || "localhost",
  siteUrl: httpUrl("BETTER_AUTH_URL", `http://localhost:${port}`).origin,
  secret: required("BETTER_AUTH_SECRET"),
  databaseUrl: required("DATABASE_URL"),
  onboardingUrl: onboarding.href.replace(/\/+$/, ""),
  onboardingOrigin: onboarding.origin,
  cookieDomain: env.COOKIE_DOMAIN,
};

if (problems.length > 0) {
  for (const problem of problems) console.error(problem);
  process.exit(2);
}
