import { fromNodeHeaders } from "better-auth/node";
import express from "express";

import { port } from "./auth.js";
import { profilePage } from "./page.js";

const app = express();
app.get("/profile", async (request, response) => {
  const { location, html } = await profilePage(fromNodeHeaders(request.headers));
  if (location) response.redirect(303, location);
  else response.type("html").send(html);
});

app.listen(port, "127.0.0.1");
