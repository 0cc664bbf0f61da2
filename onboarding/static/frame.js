// Sends our height and step to the page around us. Every page works without it.
(() => {
  if (parent === self) return;
  const { parents, ...facts } = document.body.dataset;
  const wrapper = document.querySelector(".page");
  let port, sentHeight, leaving;

  const send = (type, more) => port?.postMessage({ type, ...more });
  const measure = () => {
    const height = Math.ceil(wrapper.getBoundingClientRect().height);
    if (port && height !== sentHeight) send("resize", { height: (sentHeight = height) });
  };
  const hello = () => parent.postMessage({ onboarding: 1, type: "hello" }, "*");
  const applyTheme = (theme) => {
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
      if (data?.type === "theme") applyTheme(data.theme);
    };
    sentHeight = 0;
    measure();
    send("page", facts);
    document.documentElement.style.overflow = "hidden";
  });
  new ResizeObserver(measure).observe(wrapper);
  // Browsers let no frame of another origin have autofocus.
  document.querySelector("[data-first]")?.focus();
  addEventListener("submit", () => (leaving = true));
  addEventListener("pageshow", ({ persisted }) => persisted && hello());

  // WebKit reports cookies as blocked that are sent (2.50).
  const asks = facts.step === "signed-out" && !navigator.vendor.startsWith("Apple");
  Promise.resolve(!asks || document.hasStorageAccess?.()).then((comes) => {
    if (comes === false) {
      facts.reason = "cookies-blocked";
      document.getElementById("blocked")?.removeAttribute("hidden");
    }
    hello();
  }, hello);
})();
