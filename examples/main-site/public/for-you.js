/** What the home page says to whom, by their answers: the same on the server and in the browser. */

const starts = {
  Beginner: "Start with the first steps in Python",
  Intermediate: "Go on with the exercises for working programs",
  Advanced: "Go deep with the guides for larger code",
};
const fields = {
  "Frontend Developer": ", for pages and components.",
  "Backend Developer": ", for servers and data.",
  "Full Stack Developer": ", from the page to the database.",
  None: ".",
};

/** @param {import("../profile.ts").Visitor | undefined} visitor undefined: the app didn't answer */
export function forYou(visitor) {
  if (visitor?.state !== "onboarded") return "Guides and exercises for people who write software.";
  const { python_proficiency, developer_role } = visitor.answers;
  return starts[python_proficiency] + fields[developer_role];
}
