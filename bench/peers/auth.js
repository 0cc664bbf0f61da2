// A main site's Better-Auth as its documentation sets it up.
import { betterAuth } from "better-auth";
import pg from "pg";

export const port = Number(process.env.PORT);
export const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  // By default connections end after ten seconds without work, while another server is measured.
  idleTimeoutMillis: 0,
});

export const auth = betterAuth({
  database: pool,
  secret: process.env.BETTER_AUTH_SECRET,
  baseURL: `http://localhost:${port}`,
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  // On by default in production: it would answer 429 after a hundred requests.
  rateLimit: { enabled: false },
});
