// The sign-in view: the token, and what is wrong with it.

import { Problem, signIn } from "./api.js";
import { el, setText } from "./dom.js";

export class SignIn {
  title = "Sign in";
  #token = el("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-help token-fault" });
  #fault = el("p", { class: "fault", role: "alert", id: "token-fault" });
  #button = el("button", { type: "submit", class: "primary", id: "sign-in" }, "Sign in");
  #done;

  constructor(done) {
    this.#done = done;
    this.root = el("form", { class: "sign-in", onsubmit: (event) => this.#submit(event) },
      el("h1", {}, "Sign in"),
      el("label", { for: "token" }, "Token"),
      this.#token,
      el("p", { class: "help", id: "token-help" }, "Your own token, or the value of ", el("code", {}, "ADMIN_TOKEN"), " of this service, which may stand in the file that ", el("code", {}, "ADMIN_TOKEN_FILE"), " names."),
      this.#fault, this.#button);
  }

  focus() { this.#token.focus(); }

  say(text) { setText(this.#fault, text); }

  async #submit(event) {
    event.preventDefault();
    this.#button.disabled = true;
    this.say("");
    try {
      await signIn(this.#token.value.trim());
      this.#token.value = "";
      this.#button.disabled = false;
      this.#done();
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      this.#button.disabled = false;
      const wrong = err.status === 401;
      this.#token.setAttribute("aria-invalid", String(wrong));
      this.say(wrong ? "This is not the token of this service." : err.message);
      this.#token.select();
      this.#token.focus();
    }
  }
}
