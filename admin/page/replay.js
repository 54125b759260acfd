// The dialog of a replay: what is sent, a dry run, its report, and only then the replay,
// which can be stopped at any moment.

import { Problem, replay } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { Change } from "./change.js";
import { report } from "./report.js";

// ReplayDialog calls done when letters may have been replayed.
export class ReplayDialog {
  #done;
  #dialog;
  #heading = el("h2", { id: "replay-title", tabindex: "-1" });
  #body = el("div", { class: "dialog-body" });
  #buttons = el("div", { class: "dialog-buttons" });
  #said = el("p", { class: "dialog-said", role: "status" });
  #bar = el("progress", { max: 1, value: 0, "aria-label": "Progress" });
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
    this.#say("It is still running: stop it first.");
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
    this.#step("ask", `Replay ${plural(this.#count, "letter")}`, this.#change.root, [
      this.#button("Cancel", () => this.#dialog.close()),
      this.#button("Dry run", () => this.#dry(), { class: "primary", id: "dry-run" }),
    ]);
  }

  async #dry() {
    if (this.#running || !this.#change.valid()) return;
    const order = { ...this.#selection, ...this.#change.order(), dryRun: true };
    const end = await this.#run(order, "dry", "Dry run", "Nothing is sent yet.");
    if (end?.report) this.#confirm(order, end);
  }

  #confirm(order, { report: tried, confirm }) {
    const n = tried.letters - failing(tried);
    this.#say("A dry run: nothing was sent.");
    this.#step("confirm", n > 0 ? `${plural(n, "letter")} would be replayed` : "No letter would be replayed", report(tried), [
      this.#button("Cancel", () => this.#dialog.close()),
      this.#button("Back", () => { this.#ask(); this.#change.focus(); }),
      this.#button(`Replay ${plural(n, "letter")}`, () => this.#replay({ ...order, dryRun: false, confirm }), { class: "primary", id: "confirm", disabled: n === 0 }),
    ]);
    this.#heading.focus();
  }

  async #replay(order) {
    this.#touched = true;
    const end = await this.#run(order, "run", "Replaying", "Each event goes back into its topic once, however often this runs.");
    if (!end?.report) return;
    const { report: did, interrupted, error } = end;
    if (interrupted || error) this.#interrupted(did.replayed, did.letters, error || "The service stopped it.");
    else {
      this.#say(`Replayed ${count(did.replayed)} of ${plural(did.letters, "letter")}.`);
      this.#step("done", "Done", report(did), [this.#button("Close", () => this.#dialog.close(), { class: "primary", id: "close" })]);
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
      setText(line, `${count(at.done)} of ${plural(at.all, "letter")}`);
    };
    show(at);
    this.#running = running;
    this.#say(words);
    const stop = this.#button("Stop", () => running.abort(), { id: "stop" });
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
    if (step === "run" && (stopped || err.status === 0)) return this.#interrupted(at.done, at.all, stopped ? "You stopped it." : err.message);
    this.#ask();
    if (stopped) this.#say("The dry run was stopped. Nothing was sent.");
    else if (err.status === 409 && err.field === "confirm") this.#say(`Nothing was sent: ${err.message} Make a dry run again.`);
    else if (!this.#change.blame(err)) this.#say(err.message);
    this.#change.focus();
  }

  #interrupted(done, all, why) {
    this.#running = null;
    this.#say(`${why} ${count(done)} of ${plural(all, "letter")} had been replayed when that was last heard.`);
    this.#step("interrupted", "The replay was interrupted",
      el("p", {}, "What was replayed stays so and is noted beside its letter. Run it again: it does the rest, and no event twice."), [
        this.#button("Close", () => this.#dialog.close()),
        this.#button("Run it again", () => this.#dry(), { class: "primary", id: "run-again" }),
      ]);
    this.#heading.focus();
  }
}

// failing counts the letters that a dry run found it cannot send.
const failing = (tried) => (tried.left ?? []).length;
