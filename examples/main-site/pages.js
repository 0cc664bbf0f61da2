import { html } from "hono/html";

import { forYou } from "./public/for-you.js";
import { settings } from "./settings.js";

/** @typedef {{ name: string, email: string }} User */

/**
 * @typedef {object} Profile
 * @property {string} python_proficiency
 * @property {string} developer_role
 * @property {boolean} is_onboarded
 */

const profileUrl = `${settings.onboardingUrl}/profile`;
// `return_to` is where the app sends people back to.
const onboardingFrom = (path) =>
  `${settings.onboardingUrl}/?${new URLSearchParams({ return_to: settings.siteUrl + path })}`;

/** Empty until `main.js` has something to say. */
const alert = html`<p role="alert"></p>`;

const layout = (title, content) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Acme Docs</title>
        <link rel="icon" href="/public/icon.svg" />
        <link rel="stylesheet" href="/public/main.css" />
        <script type="module" src="/public/main.js"></script>
      </head>
      <body>
        <header><a href="/">Acme Docs</a></header>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;

export const welcome = () =>
  layout(
    "Learn by building",
    html`<p>Guides and exercises for people who write software. Sign in to see the ones for you.</p>
      <p class="actions">
        <a class="button" href="/sign-up">Create account</a>
        <a href="/sign-in">Sign in</a>
      </p>`,
  );

/** @param {{ user: User, profile?: Profile, visitor?: import("./profile.ts").Visitor }} visit */
export const home = ({ user, profile, visitor }) =>
  layout(
    "Your account",
    html`<script type="module" src="/public/home.js"></script>
      <p data-onboarding-url="${settings.onboardingUrl}">${forYou(visitor)}</p>
      <p>
        Signed in as <strong>${user.name}</strong>
        <span class="quiet">(${user.email})</span>
      </p>
      ${profile?.is_onboarded ? answers(profile) : invitation}
      <div class="actions">
        <button type="button" data-action="sign-out" class="quiet">Sign out</button>
        <button type="button" data-action="delete-user" class="danger">Delete account</button>
      </div>
      ${alert}`,
  );

/** @param {Profile} profile */
const answers = (profile) =>
  html`<section class="card">
    <h2>Your profile</h2>
    <dl>
      <div>
        <dt>Python proficiency</dt>
        <dd>${profile.python_proficiency}</dd>
      </div>
      <div>
        <dt>Developer role</dt>
        <dd>${roleLabel(profile.developer_role)}</dd>
      </div>
    </dl>
    <p><a href="${profileUrl}">See your profile</a></p>
  </section>`;

// The answer stored as "None" means none of the listed roles; bare, it reads like a missing answer.
const roleLabel = (role) => (role === "None" ? "None of these" : role);

const invitation = html`<section class="card">
  <h2>Tell us where you start</h2>
  <p>Two short questions, asked once, so that we can show you what fits.</p>
  <p class="actions">
    <a class="button" href="${onboardingFrom("/")}">Set up your profile</a>
    <a href="/setup">Answer without leaving this site</a>
  </p>
</section>`;

export const setup = () =>
  layout(
    "Your account",
    html`<script src="${settings.onboardingUrl}/embed.js" async></script>
      <onboarding-frame src="${settings.onboardingUrl}/">
        <a href="${onboardingFrom("/setup")}">Set up your profile</a>
      </onboarding-frame>`,
  );

/** @param {{ user?: User, callbackURL?: string }} visit */
export const signIn = ({ user, callbackURL }) =>
  layout(
    "Sign in",
    html`${alreadySignedIn(user, callbackURL)}
      <form method="post" action="/api/auth/sign-in/email">
        <input type="hidden" name="callbackURL" value="${callbackURL ?? "/"}" />
        ${emailField}
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
        />
        ${alert}
        <button>Sign in</button>
      </form>
      <p>New here? <a href="${withCallbackURL("/sign-up", callbackURL)}">Create account</a></p>`,
  );

/** @param {{ user?: User, callbackURL?: string }} visit */
export const signUp = ({ user, callbackURL }) =>
  layout(
    "Create account",
    html`${alreadySignedIn(user, callbackURL)}
      <form method="post" action="/api/auth/sign-up/email">
        <input type="hidden" name="callbackURL" value="${callbackURL ?? onboardingFrom("/")}" />
        <label for="name">Name</label>
        <input id="name" name="name" autocomplete="name" required />
        ${emailField}
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="new-password"
          minlength="8"
          maxlength="128"
          aria-describedby="password-hint"
          required
        />
        <p id="password-hint" class="quiet">At least 8 characters</p>
        ${alert}
        <button>Create account</button>
      </form>
      <p>Have an account? <a href="${withCallbackURL("/sign-in", callbackURL)}">Sign in</a></p>`,
  );

const emailField = html`<label for="email">Email</label>
  <input id="email" name="email" type="email" autocomplete="email" required />`;

/**
 * @param {User | undefined} user
 * @param {string | undefined} callbackURL
 */
const alreadySignedIn = (user, callbackURL) =>
  user &&
  html`<p class="card">
    You are signed in as <strong>${user.name}</strong>.
    <a href="${callbackURL ?? "/"}">Continue</a>
  </p>`;

/**
 * @param {string} path
 * @param {string | undefined} callbackURL
 */
const withCallbackURL = (path, callbackURL) =>
  callbackURL ? `${path}?${new URLSearchParams({ callbackURL })}` : path;

export const notFound = () =>
  layout("Page not found", html`<p>There is nothing here. <a href="/">Go to the start</a></p>`);

export const unavailable = () =>
  layout(
    "Back in a moment",
    html`<p>We can’t reach our database right now. Please try again shortly.</p>`,
  );
