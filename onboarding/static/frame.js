// Tells the page around us how high we are and which step we show. Every page works without it.
(() => {
  if (parent === self) return;
  const { parents, ...facts } = document.body.dataset;
  const wrapper = document.querySelector(".page");
  let port, told;

  const tell = (type, more) => port?.postMessage({ type, ...more });
  const measure = () => {
    const height = Math.ceil(wrapper.getBoundingClientRect().height);
    if (port && height !== told) tell("resize", { height: (told = height) });
  };
  const hello = () => parent.postMessage({ onboarding: 1, type: "hello" }, "*");

  addEventListener("message", ({ source, origin, data, ports }) => {
    if (source !== parent || origin !== (location.ancestorOrigins?.[0] ?? origin)) return;
    if (!parents.split(" ").includes(origin) || !ports[0]) return;
    if (data?.onboarding !== 1 || data.type !== "port") return;
    [port] = ports;
    port.onmessage = ({ data }) => {
      if (data?.type === "focus") document.getElementById("h")?.focus();
      if (data?.type !== "theme") return;
      const here = new URL(location);
      here.searchParams.set("theme", data.theme);
      location.replace(here);
    };
    told = 0;
    measure();
    tell("page", facts);
    // From here on the frame is as high as the page.
    document.documentElement.style.overflow = "hidden";
  });
  new ResizeObserver(measure).observe(wrapper);
  addEventListener("pageshow", ({ persisted }) => persisted && hello());

  // Where cookies are kept back nobody can be known, signed in or not. WebKit says that they are even
  // where they come (2.50).
  const asks = facts.step === "signed-out" && !navigator.vendor.startsWith("Apple");
  Promise.resolve(!asks || document.hasStorageAccess?.()).then((comes) => {
    if (comes === false) {
      facts.reason = "cookies-blocked";
      document.getElementById("blocked")?.removeAttribute("hidden");
    }
    hello();
  }, hello);
})();
