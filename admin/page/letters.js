// The view of all dead letters: filters, the list, and what can be done with those chosen.

import { closeLetters, exportLetters } from "./api.js";
import { el, setAttr, setText } from "./dom.js";
import { Filters } from "./filters.js";
import { count, moment, parse, plural } from "./format.js";
import { List } from "./list.js";
import { Matches } from "./pages.js";
import { Selection } from "./selection.js";

// wholeOnly is said when nothing was found by somebody who may not see people.
const wholeOnly = ". With the role look a text is found as a whole only: a full phone number or e-mail address, an event id, whole words of a name";

// Letters opens a letter by open(place), and starts a replay by replay(order, count).
export class Letters {
  title = "Dead letters";
  #filters = new Filters();
  #selection = new Selection();
  #matches = null;
  #filter = null;
  #list;
  #beyond = 0; // letters older than those that the service holds
  #seen = ""; // the counts when the list was fetched
  #found = el("p", { class: "found", role: "status" }, "Searching");
  #asOf = el("span", { class: "quiet-text" });
  #chosen = el("span", { class: "chosen" });
  #stale = el("button", { type: "button", class: "small", onclick: () => this.reload() }, "Show the newest");
  #all = el("button", { type: "button", onclick: () => this.#selection.chooseAll() }, "Select all");
  #none = el("button", { type: "button", onclick: () => this.#selection.clear() }, "Clear");
  #replay;
  #word = el("input", { type: "text", id: "close-word", "data-needs": "act", maxlength: "200", autocomplete: "off", placeholder: "In a word: why nothing is to be done", "aria-label": "Why nothing is to be done" });
  #close = el("button", { type: "button", id: "close-chosen", "data-needs": "act", onclick: () => this.#closeChosen() }, "Close…");
  #export = el("button", { type: "button", id: "export-chosen", "data-needs": "reveal", onclick: () => this.#exportChosen() }, "Export…");
  #actSaid = el("p", { class: "act-said", role: "status" });
  #sure = false;

  constructor(open, replay) {
    this.#list = new List(this.#selection, (letter, row) => open(letter.place, row));
    this.#replay = el("button", {
      type: "button", class: "primary", id: "replay-chosen", "data-needs": "act",
      onclick: () => replay(this.#selection.order(this.#filter), this.#selection.size(this.#matches.total)),
    }, "Replay…");
    this.root = el("div", { class: "letters" },
      el("h1", { class: "unseen" }, "Dead letters"),
      this.#filters.root,
      el("div", { class: "list-bar" }, this.#found, this.#asOf, this.#stale),
      this.#list.root,
      el("div", { class: "act-bar", role: "group", "aria-label": "Selection" }, this.#chosen, this.#all, this.#none, this.#word, this.#close, this.#export, this.#replay),
      this.#actSaid,
      el("p", { class: "keys", id: "list-keys" }, "Arrows, Page, Home and End move; Enter opens; Space selects, with Shift a range; Ctrl+A selects all matches."));
    this.#filters.addEventListener("change", () => this.#search());
    this.#selection.addEventListener("change", () => this.#showChosen());
  }

  // enter is called when the view is shown; reason comes from the address, null is none.
  enter(reason, code) {
    if (reason !== undefined) this.#filters.only(reason, code);
    else if (!this.#matches) this.#search();
    else this.#list.draw();
  }

  // focus goes back to the list, where a letter was opened from.
  focus() { this.#list.root.focus({ preventScroll: true }); }

  // reload searches again, as after a replay.
  reload() {
    this.#search(this.#list.cursor);
  }

  // around is the place before and after one in the list, for a letter's own view.
  around(row) {
    return { before: this.#matches?.at(row - 1)?.place, after: this.#matches?.at(row + 1)?.place, total: this.#matches?.total ?? 0 };
  }

  update(state) {
    const letters = state.letters ?? {};
    this.#beyond = letters.beyond ?? 0;
    this.#filters.counts(letters.byReason ?? []);
    const seen = (letters.byReason ?? []).map((r) => [r.reason, r.open, r.closed, r.replayed, r.erased].join()).join(";");
    if (!this.#matches?.known || !this.#seen) this.#seen = seen;
    this.#stale.classList.toggle("absent", seen === this.#seen);
  }

  #search(row = 0) {
    this.#matches?.end();
    this.#filter = this.#filters.filter;
    this.#selection.clear();
    this.#seen = "";
    this.#list.root.setAttribute("aria-busy", "true");
    const before = this.#matches?.total ?? 0;
    const matches = new Matches(this.#filter, () => this.#came(matches), (problem) => this.#failed(problem));
    matches.total = before; // the list keeps its height until the answer is there
    this.#matches = matches;
    if (row === 0) this.#list.root.scrollTop = 0;
    this.#list.show(matches, row);
  }

  #came(matches) {
    if (matches !== this.#matches) return;
    this.#list.root.setAttribute("aria-busy", "false");
    setAttr(this.#list.root, "data-empty", matches.total === 0 ? "" : null);
    setText(this.#found, matches.total === 0 ? `No letter matches${this.#filters.narrowed ? " these filters" : ""}${matches.whole ? wholeOnly : ""}` : `${plural(matches.total, "letter matches", "letters match")}`);
    const asOf = parse(matches.asOf);
    const notes = [
      asOf ? `as of ${moment(asOf)}` : "",
      matches.cut > 0 ? `of ${plural(matches.cut, "letter")} not all could be searched` : "",
      this.#beyond > 0 ? `${plural(this.#beyond, "older letter")} only in leadbridge dlt` : "",
    ];
    setText(this.#asOf, notes.filter(Boolean).join("; "));
    this.#showChosen();
    this.#list.draw();
  }

  // A word is asked for at the first press.
  async #closeChosen() {
    if (this.#word.value.trim() === "") {
      setText(this.#actSaid, "Say in a word why nothing is to be done, then press Close again.");
      this.#word.focus();
      return;
    }
    this.#close.disabled = true;
    try {
      const { letters, already } = await closeLetters(this.#selection.order(this.#filter), this.#word.value);
      setText(this.#actSaid, `${plural(letters, "letter")} closed${already > 0 ? `, ${count(already)} closed or replayed before` : ""}.`);
      this.#word.value = "";
      this.reload();
    } catch (err) {
      setText(this.#actSaid, `Nothing was closed: ${err.message}`);
      this.#close.disabled = false;
    }
  }

  // The file holds personal data: the second press confirms.
  async #exportChosen() {
    if (!this.#sure) {
      this.#sure = true;
      setText(this.#actSaid, "The file holds names, phone numbers and addresses, so that it can be imported: press Export again.");
      return;
    }
    this.#sure = false;
    try {
      const link = el("a", { href: URL.createObjectURL(await exportLetters(this.#selection.order(this.#filter))), download: "letters.jsonl" });
      link.click();
      URL.revokeObjectURL(link.href);
      setText(this.#actSaid, "Exported.");
    } catch (err) {
      setText(this.#actSaid, `Nothing was exported: ${err.message}`);
    }
  }

  #failed(problem) {
    setText(this.#found, `The search failed: ${problem.message}`);
    this.#list.root.setAttribute("aria-busy", "false");
  }

  #showChosen() {
    const total = this.#matches?.total ?? 0;
    const n = this.#selection.size(total);
    setText(this.#chosen, n === 0 ? "None selected" : `${count(n)} selected${this.#selection.all ? ", all that match" : ""}`);
    setText(this.#all, total === 0 ? "Select all" : `Select all ${count(total)}`);
    this.#all.disabled = total === 0 || this.#selection.all;
    this.#none.disabled = n === 0;
    this.#replay.disabled = n === 0;
    this.#close.disabled = n === 0;
    this.#export.disabled = n === 0;
    this.#sure = false;
    setText(this.#replay, n === 0 ? "Replay…" : `Replay ${count(n)}…`);
  }
}
