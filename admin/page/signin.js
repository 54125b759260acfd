// The sign-in view: the token, the issuer of OpenID Connect, and what is wrong with either.

import { Problem, beginOIDC, signIn } from "./api.js";
import { el, setText } from "./dom.js";
import { t } from "./lang.js";

// failures are what a sign-in at the issuer failed by, which the address says by a code when the browser is back.
const failures = ["attempt", "refused", "issuer", "role", "busy"];

// failure takes the code of a failed sign-in out of the address; it gives its words, or "".
export function failure(oidc) {
  const code = /^#sign-in=([a-z]+)$/.exec(location.hash)?.[1];
  if (!code) return "";
  history.replaceState(null, "", "#/");
  return oidc && failures.includes(code) ? t(`signin.${code}`, { issuer: oidc.title }) : "";
}

const view = "leadbridge-view";

// returnToView brings back the address of the view from which somebody went to the issuer.
export function returnToView() {
  const hash = sessionStorage.getItem(view);
  sessionStorage.removeItem(view);
  if (hash?.startsWith("#/")) history.replaceState(null, "", hash);
}

export class SignIn {
  title = t("signin.title");
  #token = el("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-help token-fault" });
  #fault = el("p", { class: "fault", role: "alert", id: "token-fault" });
  #button = el("button", { type: "submit", class: "primary", id: "sign-in" }, t("signin.button"));
  #there = null; // the button that leads to the issuer
  #issuer; // its title
  #done;

  // oidc is what the server says of the issuer: { title, alone, away }; undefined: there is none.
  constructor(done, oidc) {
    this.#done = done;
    this.#issuer = oidc?.title;
    this.root = el("form", { class: "sign-in", onsubmit: (event) => this.#submit(event) }, el("h1", {}, t("signin.title")));
    if (oidc) {
      this.#there = el("button", { type: "button", class: "primary", id: "sign-in-oidc", onclick: () => this.#leave() }, t("signin.with", { issuer: oidc.title }));
      this.root.append(this.#there);
      if (oidc.away) this.root.append(el("p", { class: "help", id: "oidc-away" }, t("signin.away", { issuer: oidc.title })));
    }
    if (!oidc?.alone) {
      this.root.append(
        el("label", { for: "token" }, t(oidc ? "signin.or-token" : "signin.token")),
        this.#token,
        el("p", { class: "help", id: "token-help" }, t("signin.help")));
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
      this.say(err.status === 503 ? t("signin.unreachable", { issuer: this.#issuer }) : err.message);
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
      this.say(wrong ? t("signin.wrong") : err.message);
      this.#token.select();
      this.#token.focus();
    }
  }
}
