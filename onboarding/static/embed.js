// <onboarding-frame>: see docs/embed.md.
if (!customElements.get("onboarding-frame")) {
  class OnboardingFrame extends HTMLElement {
    static observedAttributes = ["src", "theme", "lang", "sandbox"];
    state = "loading";
    step = null;
    #slot = document.createElement("slot");
    #frame;
    #port;
    #timer;
    #origin;
    #loads;
    #started;
    #connect = ({ source, origin, data }) => {
      // Only our own frame gets a port, and only while it shows the origin of `src`.
      if (source !== this.#frame?.contentWindow || origin !== this.#origin) return;
      if (data?.type !== "hello") return;
      if (data.onboarding !== 1) return this.#fail("protocol");
      const { port1, port2 } = new MessageChannel();
      this.#port?.close();
      this.#port = port1;
      this.#loads = Math.max(this.#loads - 1, -1);
      port1.onmessage = ({ data }) => this.#receive(data);
      source.postMessage({ onboarding: 1, type: "port" }, origin, [port2]);
    };

    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(this.#slot);
      addEventListener("message", this.#connect);
      this.reload();
    }

    disconnectedCallback() {
      removeEventListener("message", this.#connect);
      this.#reset();
    }

    attributeChangedCallback(name, old, value) {
      if (!this.shadowRoot || old === value) return;
      if (name === "theme" && this.#port) this.#port.postMessage({ type: name, theme: value });
      else this.reload();
    }

    reload() {
      this.#reset();
      const src = this.getAttribute("src");
      if (!this.isConnected || !src) return;
      let url;
      try {
        url = new URL(src, location);
      } catch {}
      if (!/^http/.test(url?.protocol)) return this.#fail("protocol");
      this.#origin = url.origin;
      const here = location.href.split("#")[0];
      if (here.length < 1000) url.searchParams.set("return_to", here);
      for (const name of ["theme", "lang"])
        if (this.hasAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
      const frame = (this.#frame = document.createElement("iframe"));
      if (this.hasAttribute("sandbox")) frame.sandbox = this.getAttribute("sandbox");
      frame.title = this.getAttribute("frame-title") || "Your profile";
      // Fills its container, also one that is as wide as we want to be: 100vw.
      frame.style.cssText =
        "inline-size:100vw;min-inline-size:100%;max-inline-size:100%;block-size:27rem;border:0";
      frame.src = url;
      // Our pages say hello shortly before or after they have loaded; other pages never do.
      frame.onload = () => ++this.#loads > 0 && this.#wait();
      this.shadowRoot.append(frame);
      this.#show("loading", true);
      this.#wait();
    }

    focus() {
      this.#frame?.focus();
      this.#port?.postMessage({ type: "focus" });
    }

    #wait() {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#fail("timeout"), +this.getAttribute("timeout") || 8000);
    }

    #reset() {
      this.#port?.close();
      this.#frame?.remove();
      this.#port = this.#frame = this.step = null;
      this.#started = this.#loads = 0;
      this.#show("loading", false);
    }

    // The frame, or else the links inside the element.
    #show(state, isFrame) {
      clearTimeout(this.#timer);
      this.state = state;
      this.#slot.hidden = isFrame;
      if (this.#frame) this.#frame.style.display = isFrame ? "block" : "none";
    }

    #emit(type, detail) {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }

    #fail(code) {
      this.#show("error", code === "server");
      this.#emit("error", { code });
    }

    #receive({ type, height, step, index, total, reason, url }) {
      if (type === "resize") {
        height = Math.min(height, 20000);
        this.#frame.style.blockSize = height + "px";
        return this.#emit(type, { height });
      }
      const was = this.state;
      if (this.step && this.getBoundingClientRect().top < 0) this.scrollIntoView();
      this.step = step;
      if (step === "error") return this.#fail("server");
      const done = step === "profile";
      const out = step === "signed-out";
      this.#show(done ? "complete" : out ? "signin" : "ready", true);
      if (was === "loading" || was === "error") this.#emit("ready", { step });
      if (index) this.#emit("step", { step, index: +index, total: +total });
      if (done && was !== "complete") this.#emit("completed", { already: !this.#started });
      if (out) this.#emit("signin-required", { reason, url });
      this.#started ||= index;
    }
  }
  customElements.define("onboarding-frame", OnboardingFrame);
}
