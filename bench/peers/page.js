import { auth, pool } from "./auth.js";

const QUERY =
  "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile WHERE user_id = $1";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => text.replace(/[&<>"']/g, (character) => ESCAPES[character]);

/**
 * The signed-in page: `{ location }` for whoever may not see it, else `{ html }`.
 *
 * @param {Headers} headers the request's
 */
export async function profilePage(headers) {
  const session = await auth.api.getSession({ headers });
  if (!session) return { location: "/sign-in" };
  const { rows } = await pool.query(QUERY, [session.user.id]);
  if (!rows[0]?.is_onboarded) return { location: "/onboarding" };
  return { html: page(session.user, rows[0]) };
}

const page = (user, profile) => `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<title>Your profile</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/icon.svg?v=0123456789ab" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css?v=0123456789ab">
</head>
<body>
<div class="page">
<main>
<p class="progress done">All done</p>
<h1 id="h" tabindex="-1">Your profile</h1>
<p class="who">Signed in as <strong><bdi>${escaped(user.name)}</bdi></strong> <bdi>${escaped(user.email)}</bdi></p>
<dl class="answers">
<div>
<dt>Python proficiency</dt>
<dd>${escaped(profile.python_proficiency)}</dd>
</div>
<div>
<dt>Developer role</dt>
<dd>${escaped(profile.developer_role)}</dd>
</div>
</dl>
<p class="hint">You confirmed these answers. They are final and stay as they are for as long as you have your account.</p>
<p><a class="button onward" href="http://localhost/">Continue to the main site</a></p>
</main>
</div>
</body>
</html>
`;
