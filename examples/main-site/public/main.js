/** Calls Better-Auth for the forms and buttons of the pages. */

const messages = {
  INVALID_EMAIL_OR_PASSWORD: "That email and password don’t match. Check both and try again.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL:
    "There is already an account with this email. Sign in, or use another email.",
  PASSWORD_TOO_SHORT: "The password needs at least 8 characters.",
  SESSION_EXPIRED: "You signed in a while ago. Sign out and in again, then delete your account.",
};
const otherwise = "That didn’t work. Please try again in a moment.";

const alert = document.querySelector("[role=alert]");

/**
 * Posts to Better-Auth, then goes on to the next page, or says why not.
 *
 * @param {HTMLButtonElement} button
 * @param {{ url: string, body?: object, next: string }} call
 */
async function send(button, { url, body = {}, next }) {
  alert.textContent = "";
  button.disabled = true;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.ok) {
      location.assign(next);
    } else {
      const { code } = await response.json();
      alert.textContent = messages[code] ?? otherwise;
    }
  } catch {
    alert.textContent = otherwise;
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = Object.fromEntries(new FormData(form));
    send(form.querySelector("button"), { url: form.action, body, next: body.callbackURL });
  });
}

for (const button of document.querySelectorAll("[data-action]")) {
  const { action } = button.dataset;
  button.addEventListener("click", () => {
    const sure =
      action !== "delete-user" ||
      window.confirm("Delete your account and your profile? This can’t be undone.");
    if (sure) send(button, { url: `/api/auth/${action}`, next: "/" });
  });
}
