// The same in React's JSX, with embed-react.d.ts beside it.
import "../../onboarding/static/embed";
import "../../onboarding/static/embed-react";

export const full = (
  <onboarding-frame
    src="https://onboarding.example.com/"
    theme="auto"
    lang="en"
    frame-title="Your profile"
    timeout={5000}
    sandbox="allow-scripts allow-forms allow-same-origin"
    className="wide"
    oncompleted={({ detail }) => console.log(detail.already)}
  >
    <a href="https://onboarding.example.com/">Set up your profile</a>
  </onboarding-frame>
);

// @ts-expect-error without an address there is nothing to show
export const nothing = <onboarding-frame theme="dark" />;

// @ts-expect-error no such attribute
export const odd = <onboarding-frame src="/" frameColour="red" />;
