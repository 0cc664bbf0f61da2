// <onboarding-frame>, as docs/embed.md tells.
customElements.get("onboarding-frame") ||
  customElements.define(
    "onboarding-frame",
    class extends HTMLElement {
      static observedAttributes = ["src", "theme", "lang", "sandbox"];
      state = "loading";
      step = null;
      #slot = document.createElement("slot");
      #frame;
      #port;
      #timer;
      #origin;
      #due;
      #asked;
      #meet = ({ source, origin, data }) => {
        // Only our own frame gets a port, while it shows the one origin that `src` names.
        if (source !== this.#frame?.contentWindow || origin !== this.#origin) return;
        if (data?.type !== "hello") return;
        if (data.onboarding !== 1) return this.#fail("protocol");
        const { port1, port2 } = new MessageChannel();
        this.#port?.close();
        this.#port = port1;
        this.#due = Math.max(this.#due - 1, -1);
        port1.onmessage = ({ data }) => this.#hear(data);
        source.postMessage({ onboarding: 1, type: "port" }, origin, [port2]);
      };

      connectedCallback() {
        // Displayed as the page around it says; the frame is a block of its own.
        if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(this.#slot);
        addEventListener("message", this.#meet);
        this.reload();
      }

      disconnectedCallback() {
        removeEventListener("message", this.#meet);
        this.#forget();
      }

      attributeChangedCallback(name, old, value) {
        if (!this.shadowRoot || old === value) return;
        if (name === "theme" && this.#port) this.#port.postMessage({ type: name, theme: value });
        else this.reload();
      }

      reload() {
        this.#forget();
        const src = this.getAttribute("src");
        if (!this.isConnected || !src) return;
        const url = URL.canParse(src, location) && new URL(src, location);
        if (!/^http/.test(url.protocol)) return this.#fail("protocol");
        this.#origin = url.origin;
        // Two redirects fewer.
        if (url.pathname === "/") url.pathname = "/onboarding/";
        const here = location.href.split("#")[0];
        if (here.length < 1000) url.searchParams.set("return_to", here);
        for (const name of ["theme", "lang"])
          if (this.hasAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
        const frame = (this.#frame = document.createElement("iframe"));
        if (this.hasAttribute("sandbox")) frame.sandbox = this.getAttribute("sandbox");
        frame.title = this.getAttribute("frame-title") || "Your profile";
        frame.style.cssText = "inline-size:100%;block-size:27rem;border:0";
        frame.src = url;
        // A page of ours says hello, a little before it has loaded or after; another never does.
        frame.onload = () => ++this.#due > 0 && this.#wait();
        this.shadowRoot.append(frame);
        this.#wait();
        this.#show(true);
      }

      focus() {
        this.#frame?.focus();
        this.#port?.postMessage({ type: "focus" });
      }

      #wait() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#fail("timeout"), +this.getAttribute("timeout") || 8000);
      }

      #forget() {
        clearTimeout(this.#timer);
        this.#port?.close();
        this.#frame?.remove();
        this.#port = this.#frame = this.step = null;
        this.#asked = this.#due = 0;
        this.state = "loading";
        this.#show(false);
      }

      // The frame, or else the links that stand inside the element.
      #show(frame) {
        if (this.#frame) this.#frame.style.display = frame ? "block" : "none";
        this.#slot.hidden = frame;
      }

      #say(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
      }

      #fail(code) {
        clearTimeout(this.#timer);
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
        clearTimeout(this.#timer);
        this.#show(true);
        const was = this.state;
        if (this.step && this.getBoundingClientRect().top < 0) this.scrollIntoView();
        this.step = step;
        if (step === "error") return this.#fail("server");
        const done = step === "profile";
        const out = step === "signed-out";
        this.state = done ? "complete" : out ? "signin" : "ready";
        if (was === "loading" || was === "error") this.#say("ready", { step });
        if (index) this.#say("step", { step, index: +index, total: +total });
        if (done && was !== "complete") this.#say("completed", { already: !this.#asked });
        if (out) this.#say("signin-required", { reason, url });
        this.#asked ||= index;
      }
    },
  );
