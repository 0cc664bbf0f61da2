/** Keeps the home page's words right while it stays open: the answers may come from another tab. */

import { forYou } from "./for-you.js";
import { getProfile } from "./profile.js";

const line = document.querySelector("[data-onboarding-url]");
let known;

document.addEventListener("visibilitychange", async () => {
  if (document.visibilityState !== "visible") return;
  try {
    known = await getProfile(line.dataset.onboardingUrl, { known });
    line.textContent = forYou(known);
  } catch {
    // The words of the server stay.
  }
});
