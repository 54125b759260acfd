// The dialog of a replay: what is sent, a dry run, its report, and only then the replay,
// which can be stopped at any moment.

import { Problem, replay } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { Change } from "./change.js";
import { said, t } from "./lang.js";
import { report } from "./report.js";

// ReplayDialog calls done when letters may have been replayed.
export class ReplayDialog {
  #done;
  #dialog;
  #heading = el("h2", { id: "replay-title", tabindex: "-1" });
  #body = el("div", { class: "dialog-body" });
  #buttons = el("div", { class: "dialog-buttons" });
  #said = el("p", { class: "dialog-said", role: "status" });
  #bar = el("progress", { max: 1, value: 0, "aria-label": t("replay.progress") });
  #change = null; // what is done to the values
  #selection = {};
  #count = 0;
  #opener = null;
  #running = null; // an AbortController while something runs
  #touched = false; // letters may have been replayed

  constructor(done) {
    this.#done = done;
    this.#dialog = el("dialog", { class: "replay", "aria-labelledby": "replay-title", oncancel: (event) => this.#cancel(event), onclose: () => this.#closed() },
      this.#heading, this.#said, this.#body, this.#buttons);
    document.body.append(this.#dialog);
  }

  // open asks what to do with a selection {places} or {filter}. options: count, and
  // for one letter place, value (where it is to be edited) and editable.
  open(selection, options) {
    this.#selection = selection;
    this.#count = options.count;
    this.#opener = options.opener ?? document.activeElement;
    this.#change?.close();
    this.#change = new Change(options, () => this.#dry());
    this.#touched = false;
    this.#ask();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#change.focus();
  }

  close() {
    this.#running?.abort();
    if (this.#dialog.open) this.#dialog.close();
    this.#dialog.remove();
  }

  #closed() {
    this.#running?.abort();
    replace(this.#body); // values do not stay in the document
    this.#change?.close();
    this.#change = null;
    if (this.#touched) this.#done();
    const opener = this.#opener;
    if (opener?.isConnected && !opener.disabled) opener.focus();
    else document.getElementById("main").focus({ preventScroll: true });
  }

  #cancel(event) {
    if (!this.#running) return;
    event.preventDefault(); // Esc must not hide what goes on
    this.#say(t("replay.still-running"));
  }

  #say(text) { setText(this.#said, text); }

  #step(name, heading, body, buttons) {
    this.#dialog.dataset.step = name;
    setText(this.#heading, heading);
    replace(this.#body, body);
    replace(this.#buttons, buttons);
  }

  #button(text, click, properties = {}) { return el("button", { type: "button", onclick: click, ...properties }, text); }

  #ask() {
    this.#say("");
    this.#step("ask", t("replay.title", { letters: lettersOf(this.#count) }), this.#change.root, [
      this.#button(t("replay.cancel"), () => this.#dialog.close()),
      this.#button(t("replay.dry-run"), () => this.#dry(), { class: "primary", id: "dry-run" }),
    ]);
  }

  async #dry() {
    if (this.#running || !this.#change.valid()) return;
    const order = { ...this.#selection, ...this.#change.order(), dryRun: true };
    const end = await this.#run(order, "dry", t("replay.dry-run"), t("replay.not-yet"));
    if (end?.report) this.#confirm(order, end);
  }

  #confirm(order, { report: tried, confirm }) {
    const n = tried.letters - failing(tried);
    this.#say(t("replay.was-dry"));
    this.#step("confirm", n > 0 ? t("replay.would", { n }) : t("replay.would-none"), report(tried), [
      this.#button(t("replay.cancel"), () => this.#dialog.close()),
      this.#button(t("replay.back"), () => { this.#ask(); this.#change.focus(); }),
      this.#button(t("replay.go", { letters: lettersOf(n) }), () => this.#replay({ ...order, dryRun: false, confirm }), { class: "primary", id: "confirm", disabled: n === 0 }),
    ]);
    this.#heading.focus();
  }

  async #replay(order) {
    this.#touched = true;
    const end = await this.#run(order, "run", t("replay.running"), t("replay.once"));
    if (!end?.report) return;
    const { report: did, interrupted } = end;
    const error = said(end.errorSaid, end.error);
    if (interrupted || error) this.#interrupted(did.replayed, did.letters, error || t("replay.stopped-by-service"));
    else {
      this.#say(t("replay.did", { n: did.replayed, letters: lettersOf(did.letters) }));
      this.#step("done", t("replay.done"), report(did), [this.#button(t("replay.close"), () => this.#dialog.close(), { class: "primary", id: "close" })]);
      this.#heading.focus();
    }
  }

  // run does one request with its progress and a button that stops it. It gives the last
  // line, or null after it has said what went wrong.
  async #run(order, step, heading, words) {
    const running = new AbortController();
    let at = { done: 0, all: this.#count };
    const line = el("p", { class: "progress-line" });
    const show = (progress) => {
      at = progress;
      this.#bar.max = Math.max(at.all, 1);
      this.#bar.value = at.done;
      setText(line, t("replay.progress-is", { n: at.done, letters: lettersOf(at.all) }));
    };
    show(at);
    this.#running = running;
    this.#say(words);
    const stop = this.#button(t("replay.stop"), () => running.abort(), { id: "stop" });
    this.#step(step, heading, [this.#bar, line], [stop]);
    stop.focus();
    try {
      return await replay(order, running.signal, show);
    } catch (err) {
      if (err.name !== "AbortError" && !(err instanceof Problem)) throw err;
      this.#ended(step, at, err);
      return null;
    } finally {
      if (this.#running === running) this.#running = null;
    }
  }

  #ended(step, at, err) {
    if (!this.#dialog.open) return;
    const stopped = err.name === "AbortError";
    if (step === "run" && (stopped || err.status === 0)) return this.#interrupted(at.done, at.all, stopped ? t("replay.you-stopped") : err.message);
    this.#ask();
    if (stopped) this.#say(t("replay.dry-stopped"));
    else if (err.status === 409 && err.field === "confirm") this.#say(t("replay.dry-again", { error: err.message }));
    else if (!this.#change.blame(err)) this.#say(err.message);
    this.#change.focus();
  }

  #interrupted(done, all, why) {
    this.#running = null;
    this.#say(t("replay.heard", { why, n: done, letters: lettersOf(all) }));
    this.#step("interrupted", t("replay.interrupted"),
      el("p", {}, t("replay.rest")), [
        this.#button(t("replay.close"), () => this.#dialog.close()),
        this.#button(t("replay.again"), () => this.#dry(), { class: "primary", id: "run-again" }),
      ]);
    this.#heading.focus();
  }
}

// lettersOf is a number of letters.
const lettersOf = (n) => t("n.letters", { n });

// failing counts the letters that a dry run found it cannot send.
const failing = (tried) => (tried.left ?? []).length;
