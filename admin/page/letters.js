// The view of all dead letters: filters, the list, and what can be done with those chosen.

import { closeLetters, exportLetters } from "./api.js";
import { el, setAttr, setText } from "./dom.js";
import { Filters } from "./filters.js";
import { moment, parse } from "./format.js";
import { t } from "./lang.js";
import { List } from "./list.js";
import { Matches } from "./pages.js";
import { Selection } from "./selection.js";

// Letters opens a letter by open(place), and starts a replay by replay(order, count).
export class Letters {
  title = t("letters.title");
  #filters = new Filters();
  #selection = new Selection();
  #matches = null;
  #filter = null;
  #list;
  #beyond = 0; // letters older than those that the service holds
  #seen = ""; // the counts when the list was fetched
  #found = el("p", { class: "found", role: "status" }, t("letters.searching"));
  #asOf = el("span", { class: "quiet-text" });
  #chosen = el("span", { class: "chosen" });
  #stale = el("button", { type: "button", class: "small", onclick: () => this.reload() }, t("letters.newest"));
  #all = el("button", { type: "button", onclick: () => this.#selection.chooseAll() }, t("letters.all"));
  #none = el("button", { type: "button", onclick: () => this.#selection.clear() }, t("letters.clear"));
  #replay;
  #word = el("input", { type: "text", id: "close-word", "data-needs": "act", maxlength: "200", autocomplete: "off", placeholder: t("letters.word"), "aria-label": t("letters.word-label") });
  #close = el("button", { type: "button", id: "close-chosen", "data-needs": "act", onclick: () => this.#closeChosen() }, t("letters.close"));
  #export = el("button", { type: "button", id: "export-chosen", "data-needs": "reveal", onclick: () => this.#exportChosen() }, t("letters.export"));
  #actSaid = el("p", { class: "act-said", role: "status" });
  #sure = false;

  constructor(open, replay) {
    this.#list = new List(this.#selection, (letter, row) => open(letter.place, row));
    this.#replay = el("button", {
      type: "button", class: "primary", id: "replay-chosen", "data-needs": "act",
      onclick: () => replay(this.#selection.order(this.#filter), this.#selection.size(this.#matches.total)),
    }, t("letters.replay"));
    this.root = el("div", { class: "letters" },
      el("h1", { class: "unseen" }, t("letters.title")),
      this.#filters.root,
      el("div", { class: "list-bar" }, this.#found, this.#asOf, this.#stale),
      this.#list.root,
      el("div", { class: "act-bar", role: "group", "aria-label": t("letters.selection") }, this.#chosen, this.#all, this.#none, this.#word, this.#close, this.#export, this.#replay),
      this.#actSaid,
      el("p", { class: "keys", id: "list-keys" }, t("letters.keys")));
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
    setText(this.#found, matches.total === 0 ? this.#nothing(matches) : t("letters.found", { n: matches.total }));
    const asOf = parse(matches.asOf);
    const notes = [
      asOf ? t("as-of", { time: moment(asOf) }) : "",
      matches.cut > 0 ? t("letters.cut", { n: matches.cut }) : "",
      this.#beyond > 0 ? t("letters.beyond", { n: this.#beyond }) : "",
    ];
    setText(this.#asOf, notes.filter(Boolean).join("; "));
    this.#showChosen();
    this.#list.draw();
  }

  // nothing says that nothing was found, and why, to somebody who may not see people.
  #nothing(matches) {
    const found = t(this.#filters.narrowed ? "letters.none-filtered" : "letters.none");
    return matches.whole ? t("letters.none-whole", { found, why: t("letters.whole-only") }) : found;
  }

  // A word is asked for at the first press.
  async #closeChosen() {
    if (this.#word.value.trim() === "") {
      setText(this.#actSaid, t("letters.say-word"));
      this.#word.focus();
      return;
    }
    this.#close.disabled = true;
    try {
      const { letters, already } = await closeLetters(this.#selection.order(this.#filter), this.#word.value);
      setText(this.#actSaid, closedWords(t("n.letters", { n: letters }), already));
      this.#word.value = "";
      this.reload();
    } catch (err) {
      setText(this.#actSaid, t("letters.not-closed", { error: err.message }));
      this.#close.disabled = false;
    }
  }

  // The file holds personal data: the second press confirms.
  async #exportChosen() {
    if (!this.#sure) {
      this.#sure = true;
      setText(this.#actSaid, t("letters.export-sure"));
      return;
    }
    this.#sure = false;
    try {
      const link = el("a", { href: URL.createObjectURL(await exportLetters(this.#selection.order(this.#filter))), download: "letters.jsonl" });
      link.click();
      URL.revokeObjectURL(link.href);
      setText(this.#actSaid, t("letters.exported"));
    } catch (err) {
      setText(this.#actSaid, t("letters.not-exported", { error: err.message }));
    }
  }

  #failed(problem) {
    setText(this.#found, t("letters.failed", { error: problem.message }));
    this.#list.root.setAttribute("aria-busy", "false");
  }

  #showChosen() {
    const total = this.#matches?.total ?? 0;
    const n = this.#selection.size(total);
    setText(this.#chosen, n === 0 ? t("letters.none-selected") : t(this.#selection.all ? "letters.selected-all" : "letters.selected", { n }));
    setText(this.#all, total === 0 ? t("letters.all") : t("letters.all-n", { n: total }));
    this.#all.disabled = total === 0 || this.#selection.all;
    this.#none.disabled = n === 0;
    this.#replay.disabled = n === 0;
    this.#close.disabled = n === 0;
    this.#export.disabled = n === 0;
    this.#sure = false;
    setText(this.#replay, n === 0 ? t("letters.replay") : t("letters.replay-n", { n }));
  }
}

// closedWords say how many letters were closed, and how many were closed or replayed before.
const closedWords = (letters, already) => (already > 0 ? t("letters.closed-already", { letters, already }) : t("letters.closed", { letters }));
