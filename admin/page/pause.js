// Pausing the process that serves this page, and letting it go on.

import { pause } from "./api.js";
import { el, setText } from "./dom.js";

export class Pause {
  #paused = false;
  #button = el("button", { class: "small", type: "button", "data-needs": "act", onclick: () => this.#toggle() }, "Pause this process");
  #text = el("span", { class: "pause-text", role: "status" });

  constructor() {
    this.root = el("p", { class: "pause" }, this.#button, this.#text);
  }

  update(state) {
    this.#paused = state.paused === true;
    setText(this.#button, this.#paused ? "Resume this process" : "Pause this process");
    this.#say(this.#paused ? "This process was paused here; others go on. A restart forgets it." : "");
  }

  #say(text) { setText(this.#text, text); }

  async #toggle() {
    const wanted = !this.#paused;
    if (wanted && !confirm("Pause the delivery of this process? Leads wait in Kafka; other processes go on.")) return;
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
