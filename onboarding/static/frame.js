// Tells the page around us our height and step. Every page works without it.
(() => {
  if (parent === self) return;
  const { parents, ...facts } = document.body.dataset;
  const wrapper = document.querySelector(".page");
  let port, told, leaving;

  const tell = (type, more) => port?.postMessage({ type, ...more });
  const measure = () => {
    const height = Math.ceil(wrapper.getBoundingClientRect().height);
    if (port && height !== told) tell("resize", { height: (told = height) });
  };
  const hello = () => parent.postMessage({ onboarding: 1, type: "hello" }, "*");
  const dress = (theme) => {
    const here = new URL(location);
    here.hash = "";
    for (const [name, value] of new FormData(document.forms[0])) here.searchParams.set(name, value);
    here.searchParams.delete("csrf_token");
    here.searchParams.set("theme", theme ?? "auto");
    if (!leaving) location.replace(here);
  };

  addEventListener("message", ({ source, origin, data, ports }) => {
    if (source !== parent || origin !== (location.ancestorOrigins?.[0] ?? origin)) return;
    if (!parents.split(" ").includes(origin) || !ports[0]) return;
    if (data?.onboarding !== 1 || data.type !== "port") return;
    [port] = ports;
    port.onmessage = ({ data }) => {
      if (data?.type === "focus") document.getElementById("h")?.focus();
      if (data?.type === "theme") dress(data.theme);
    };
    told = 0;
    measure();
    tell("page", facts);
    document.documentElement.style.overflow = "hidden";
  });
  new ResizeObserver(measure).observe(wrapper);
  // Browsers let no frame of another origin have autofocus.
  document.querySelector("[data-first]")?.focus();
  addEventListener("submit", () => (leaving = true));
  addEventListener("pageshow", ({ persisted }) => persisted && hello());

  // WebKit denies cookies that do come (2.50).
  const asks = facts.step === "signed-out" && !navigator.vendor.startsWith("Apple");
  Promise.resolve(!asks || document.hasStorageAccess?.()).then((comes) => {
    if (comes === false) {
      facts.reason = "cookies-blocked";
      document.getElementById("blocked")?.removeAttribute("hidden");
    }
    hello();
  }, hello);
})();
