// Better-Auth itself, asked over HTTP who is signed in.
import { createServer } from "node:http";
import { toNodeHandler } from "better-auth/node";

import { auth, port } from "./auth.js";

createServer(toNodeHandler(auth)).listen(port, "127.0.0.1");
