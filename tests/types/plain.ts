// What a page in TypeScript may write with embed.d.ts, and what it may not.
import "../../onboarding/static/embed";
import type { OnboardingFrameElement } from "../../onboarding/static/embed";

const frame: OnboardingFrameElement | null = document.querySelector("onboarding-frame");
if (frame) {
  frame.addEventListener("ready", ({ detail }) => console.log(detail.step === "review"));
  frame.addEventListener("resize", ({ detail }) => console.log(detail.height.toFixed()));
  frame.addEventListener("step", ({ detail }) => console.log(detail.index / detail.total));
  frame.addEventListener("completed", ({ detail: { already } }) => console.log(already === true));
  frame.addEventListener("signin-required", ({ detail }) => {
    if (detail.reason === "expired") location.assign(detail.url);
  });
  frame.addEventListener("error", ({ detail }) => console.log(detail.code === "timeout"));
  frame.addEventListener("click", (event) => console.log(event.type));
  if (frame.state === "signin") frame.reload();
  frame.focus();

  // @ts-expect-error no way to sign in for somebody who is refused
  frame.addEventListener("signin-required", ({ detail }) => location.assign(detail.url));
  // @ts-expect-error no such reason
  frame.addEventListener("signin-required", ({ detail }) => detail.reason === "tired");
  // @ts-expect-error no answers in an event
  frame.addEventListener("completed", ({ detail }) => detail.developer_role);
  // @ts-expect-error the element's own
  frame.state = "ready";
  // @ts-expect-error no such state
  if (frame.state === "done") frame.reload();
}
document.createElement("onboarding-frame").reload();
