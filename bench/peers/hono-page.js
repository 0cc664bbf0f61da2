import { serve } from "@hono/node-server";
import { Hono } from "hono";

import { port } from "./auth.js";
import { profilePage } from "./page.js";

const app = new Hono();
app.get("/profile", async (c) => {
  const { location, html } = await profilePage(c.req.raw.headers);
  return location ? c.redirect(location, 303) : c.html(html);
});

serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
