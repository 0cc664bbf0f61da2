// What a main site may do with a visitor's profile. Errors are marked; an unmarked one fails the test,
// and so does a mark without an error.
import { getProfile, type Visitor } from "../../examples/main-site/profile";

const visitor: Visitor = await getProfile("https://onboarding.example.com");
await getProfile("https://onboarding.example.com", { known: visitor, cookie: "a=b", timeoutMs: 1 });
await getProfile("https://onboarding.example.com", { signal: new AbortController().signal });

switch (visitor.state) {
  case "onboarded": {
    const level: "Beginner" | "Intermediate" | "Advanced" = visitor.answers.python_proficiency;
    // @ts-expect-error: no such role
    if (visitor.answers.developer_role === "Backend developer") console.log(level);
    break;
  }
  case "not onboarded":
    // @ts-expect-error: nobody has to have a draft
    console.log(visitor.draft.developer_role);
    break;
  case "signed out":
    // @ts-expect-error: only for those who are signed in
    console.log(visitor.userId);
    console.log(visitor.reason);
    break;
  default:
    visitor satisfies never;
}

// @ts-expect-error: the state must be looked at first
console.log(visitor.answers);
// @ts-expect-error: no such option
await getProfile("https://onboarding.example.com", { cookies: "a=b" });
// @ts-expect-error: the app's address is needed
await getProfile();
