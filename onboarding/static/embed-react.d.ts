// <onboarding-frame> in React's JSX. Copy this file beside embed.d.ts.

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type {
  OnboardingFrameAttributes,
  OnboardingFrameElement,
  OnboardingFrameEventMap,
} from "./embed";

// React 19 takes listeners of a custom element's events as properties: `oncompleted`.
type Listeners = {
  [K in keyof OnboardingFrameEventMap as `on${K}`]?: (event: OnboardingFrameEventMap[K]) => void;
};

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "onboarding-frame": OnboardingFrameAttributes &
        Listeners &
        Omit<DetailedHTMLProps<HTMLAttributes<OnboardingFrameElement>, OnboardingFrameElement>, "onError">;
    }
  }
}
