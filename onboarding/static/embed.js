// <onboarding-frame>, as docs/embed.md tells.
customElements.get("onboarding-frame") ||
  customElements.define(
    "onboarding-frame",
    class extends HTMLElement {
      static observedAttributes = ["src", "theme", "lang", "sandbox"];
      #slot = document.createElement("slot");
      #frame;
      #port;
      #timer;
      #origin;
      #meet = ({ source, origin, data }) => {
        // Only our own frame gets a port, while it shows the one origin that `src` names.
        if (source !== this.#frame?.contentWindow || origin !== this.#origin) return;
        if (data?.type !== "hello") return;
        if (data.onboarding !== 1) return this.#fail("protocol");
        const { port1, port2 } = new MessageChannel();
        this.#port?.close();
        this.#port = port1;
        port1.onmessage = ({ data }) => this.#hear(data);
        source.postMessage({ onboarding: 1, type: "port" }, origin, [port2]);
      };

      connectedCallback() {
        if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(this.#slot);
        this.style.display ||= "block";
        addEventListener("message", this.#meet);
        this.reload();
      }

      disconnectedCallback() {
        removeEventListener("message", this.#meet);
        this.#forget();
      }

      attributeChangedCallback(name, old, value) {
        if (!this.#frame || old === value) return;
        if (name === "theme" && this.#port) this.#port.postMessage({ type: name, theme: value });
        else this.reload();
      }

      reload() {
        this.#forget();
        this.state = "loading";
        this.step = null;
        const frame = (this.#frame = document.createElement("iframe"));
        const url = new URL(this.getAttribute("src"), location);
        this.#origin = url.origin;
        if (url.pathname === "/") url.pathname = "/onboarding/";
        url.searchParams.set("return_to", location.href.split("#")[0]);
        for (const name of ["theme", "lang"])
          if (this.getAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
        if (this.hasAttribute("sandbox")) frame.sandbox = this.getAttribute("sandbox");
        frame.title = this.getAttribute("frame-title") || "Your profile";
        frame.style.cssText = "inline-size:100%;block-size:27rem;border:0";
        frame.src = url;
        this.shadowRoot.append(frame);
        this.#show(true);
        this.#timer = setTimeout(() => this.#fail("timeout"), this.getAttribute("timeout") || 8000);
      }

      focus() {
        this.#frame?.focus();
        this.#port?.postMessage({ type: "focus" });
      }

      #forget() {
        clearTimeout(this.#timer);
        this.#port?.close();
        this.#frame?.remove();
        this.#port = this.#frame = null;
      }

      // The frame, or else the links that stand inside the element.
      #show(frame) {
        clearTimeout(this.#timer);
        this.#frame.style.display = frame ? "block" : "none";
        this.#slot.hidden = frame;
      }

      #say(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
      }

      #fail(code) {
        this.state = "error";
        this.#show(code === "server");
        this.#say("error", { code });
      }

      #hear({ type, height, step, index, total, reason, url }) {
        if (type === "resize") {
          height = Math.min(height, 20000);
          this.#frame.style.blockSize = height + "px";
          return this.#say(type, { height });
        }
        this.#show(true);
        const last = this.step;
        this.step = step;
        if (last && this.getBoundingClientRect().top < 0) this.scrollIntoView();
        if (step === "error") return this.#fail("server");
        const done = step === "profile";
        const out = step === "signed-out";
        this.state = done ? "complete" : out ? "signin" : "ready";
        if (!last) this.#say("ready", { step });
        if (index) this.#say("step", { step, index: +index, total: +total });
        if (done) this.#say("completed", { already: last !== "review" });
        if (out) this.#say("signin-required", { reason, url });
      }
    },
  );
