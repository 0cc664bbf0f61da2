// Types of <onboarding-frame>. Copy this file into your project; it needs nothing else.

export type OnboardingStep =
  | "python-proficiency"
  | "developer-role"
  | "review"
  | "profile"
  | "signed-out"
  | "error";

export interface OnboardingFrameEventMap {
  /** The first page has answered. */
  ready: CustomEvent<{ step: OnboardingStep }>;
  /** The frame has a new height, in CSS pixels. */
  resize: CustomEvent<{ height: number }>;
  /** A step of the wizard is shown; `index` counts from 1 to `total`. */
  step: CustomEvent<{ step: OnboardingStep; index: number; total: number }>;
  /** The profile is complete; `already` if it was so when the element was opened. */
  completed: CustomEvent<{ already: boolean }>;
  /**
   * Nobody is signed in here; `url` is the main site's sign-in page, for the top window. There is none
   * for somebody who is refused: the main site may take them for signed in.
   */
  "signin-required": CustomEvent<
    | { reason: "no-session" | "expired" | "cookies-blocked"; url: string }
    | { reason: "refused"; url?: undefined }
  >;
  error: CustomEvent<{ code: "timeout" | "protocol" | "server" }>;
}

export interface OnboardingFrameElement extends HTMLElement {
  readonly state: "loading" | "ready" | "signin" | "complete" | "error";
  readonly step: OnboardingStep | null;
  /** Loads the app anew, after signing in for instance. */
  reload(): void;
  /** Moves the focus to the heading of the page in the frame. */
  focus(): void;
  addEventListener<K extends keyof OnboardingFrameEventMap>(
    type: K,
    listener: (this: OnboardingFrameElement, event: OnboardingFrameEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export interface OnboardingFrameAttributes {
  /** The app's address. Its origin is the only one that is trusted. */
  src: string;
  /** `auto`, `light`, `dark`, or the name of a theme in the app's `THEMES_FILE`. */
  theme?: string;
  lang?: string;
  /** The accessible name of the frame; "Your profile" if there is none. */
  "frame-title"?: string;
  /** Milliseconds to wait for the first page; 8000 if there is none. */
  timeout?: number | string;
  /** Passed on to the iframe. */
  sandbox?: string;
}

declare global {
  interface HTMLElementTagNameMap {
    "onboarding-frame": OnboardingFrameElement;
  }
  // For frameworks that take JSX elements from here. React doesn't: see embed-react.d.ts.
  namespace JSX {
    interface IntrinsicElements {
      "onboarding-frame": OnboardingFrameAttributes & { [name: string]: unknown };
    }
  }
}
