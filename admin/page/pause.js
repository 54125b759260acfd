// Pausing the process that serves this page, and letting it go on.

import { pause } from "./api.js";
import { el, setText } from "./dom.js";
import { t } from "./lang.js";

export class Pause {
  #paused = false;
  #button = el("button", { class: "small", type: "button", "data-needs": "act", onclick: () => this.#toggle() }, t("pause.pause"));
  #text = el("span", { class: "pause-text", role: "status" });

  constructor() {
    this.root = el("p", { class: "pause" }, this.#button, this.#text);
  }

  update(state) {
    this.#paused = state.paused === true;
    setText(this.#button, t(this.#paused ? "pause.resume" : "pause.pause"));
    this.#say(this.#paused ? t("pause.paused") : "");
  }

  #say(text) { setText(this.#text, text); }

  async #toggle() {
    const wanted = !this.#paused;
    if (wanted && !confirm(t("pause.sure"))) return;
    this.#button.disabled = true;
    try {
      await pause(wanted);
    } catch (err) {
      this.#say(err.message);
    } finally {
      this.#button.disabled = false;
    }
  }
}
