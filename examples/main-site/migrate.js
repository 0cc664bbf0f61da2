import { getMigrations } from "better-auth/db/migration";

import { createAuth, pool } from "./auth.js";

try {
  const { runMigrations } = await getMigrations(createAuth().options);
  await runMigrations();
} catch (error) {
  console.error(`Better-Auth's migrations failed: ${error.message || error.code}`);
  process.exitCode = 1;
} finally {
  await pool.end();
}
