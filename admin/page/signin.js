// The sign-in view: the token, the issuer of OpenID Connect, and what is wrong with either.

import { Problem, beginOIDC, signIn } from "./api.js";
import { el, setText } from "./dom.js";

// failures are what a sign-in at the issuer failed by, which the address says by a code when the browser is back.
const failures = {
  attempt: () => "This sign-in was not begun in this browser and at this address, took longer than ten minutes, or was used before. Sign in again.",
  refused: (title) => `${title} did not sign you in.`,
  issuer: (title) => `The answer of ${title} cannot be used. The log of this service says why.`,
  role: (title) => `${title} has signed you in, but you have no role here. Whoever runs this service gives roles to groups of ${title}.`,
  busy: () => "Too many people sign in at this moment. Try again.",
};

// failure takes the code of a failed sign-in out of the address; it gives its words, or "".
export function failure(oidc) {
  const code = /^#sign-in=([a-z]+)$/.exec(location.hash)?.[1];
  if (!code) return "";
  history.replaceState(null, "", "#/");
  return oidc && Object.hasOwn(failures, code) ? failures[code](oidc.title) : "";
}

const view = "leadbridge-view";

// returnToView brings back the address of the view from which somebody went to the issuer.
export function returnToView() {
  const hash = sessionStorage.getItem(view);
  sessionStorage.removeItem(view);
  if (hash?.startsWith("#/")) history.replaceState(null, "", hash);
}

export class SignIn {
  title = "Sign in";
  #token = el("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-help token-fault" });
  #fault = el("p", { class: "fault", role: "alert", id: "token-fault" });
  #button = el("button", { type: "submit", class: "primary", id: "sign-in" }, "Sign in");
  #there = null; // the button that leads to the issuer
  #done;

  // oidc is what the server says of the issuer: { title, alone, away }; undefined: there is none.
  constructor(done, oidc) {
    this.#done = done;
    this.root = el("form", { class: "sign-in", onsubmit: (event) => this.#submit(event) }, el("h1", {}, "Sign in"));
    if (oidc) {
      this.#there = el("button", { type: "button", class: "primary", id: "sign-in-oidc", onclick: () => this.#leave() }, `Sign in with ${oidc.title}`);
      this.root.append(this.#there);
      if (oidc.away) this.root.append(el("p", { class: "help", id: "oidc-away" }, `${oidc.title} could not be reached the last time. It is tried again all the time.`));
    }
    if (!oidc?.alone) {
      this.root.append(
        el("label", { for: "token" }, oidc ? "Or a token" : "Token"),
        this.#token,
        el("p", { class: "help", id: "token-help" }, "Your own token, or the value of ", el("code", {}, "ADMIN_TOKEN"), " of this service, which may stand in the file that ", el("code", {}, "ADMIN_TOKEN_FILE"), " names."));
    }
    this.root.append(this.#fault);
    if (oidc) this.#button.classList.remove("primary");
    if (!oidc?.alone) this.root.append(this.#button);
  }

  focus() { (this.#there ?? this.#token).focus(); }

  say(text) { setText(this.#fault, text); }

  // leave goes to the issuer, which sends the browser back.
  async #leave() {
    this.#there.disabled = true;
    this.say("");
    try {
      const { url } = await beginOIDC();
      sessionStorage.setItem(view, location.hash);
      location.assign(url);
      this.#there.disabled = false; // for whoever comes back by the browser's own button
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      this.#there.disabled = false;
      this.say(err.message);
      this.#there.focus();
    }
  }

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
