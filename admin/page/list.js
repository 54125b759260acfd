// The list of letters: as many rows in the document as fit the screen, however many match.
// It is a grid with one focus of its own; the row at the cursor is named to screen readers
// by aria-activedescendant, so it is always among those in the document.

import { el, setAttr, setText } from "./dom.js";
import { moment, parse } from "./format.js";
import { named, t } from "./lang.js";
import { nameOf } from "./reasons.js";

const spare = 6; // rows above and below what is seen

const columns = ["tick", "at", "reason", "who", "words", "state", "place"];

class Row {
  constructor() {
    this.cells = Object.fromEntries(columns.map((name, i) => [name, el("span", { class: `c-${name}`, role: "gridcell", "aria-colindex": i + 1 })]));
    this.tick = el("span", { class: "tick", "aria-hidden": "true" });
    this.cells.tick.append(this.tick, el("span", { class: "unseen" }, ""));
    this.root = el("div", { class: "row", role: "row" }, Object.values(this.cells));
    this.index = -1;
  }

  show(index, letter, chosen, active, now) {
    this.index = index;
    setAttr(this.root, "id", `letter-${index}`);
    setAttr(this.root, "aria-rowindex", index + 2);
    setAttr(this.root, "aria-selected", String(chosen));
    this.root.classList.toggle("active", active);
    this.root.classList.toggle("loading", !letter);
    const at = parse(letter?.at);
    setText(this.cells.at, at ? moment(at, now) : "");
    setText(this.cells.reason, letter ? nameOf(letter.reason) : "…");
    setText(this.cells.who, letter?.summary ?? "");
    setText(this.cells.words, letter ? [letter.status || "", letter.code, letter.message].filter(Boolean).join(" ") : "");
    setText(this.cells.state, letter ? named("letter-state", letter.state) : "");
    setAttr(this.cells.state, "data-state", letter?.state ?? "");
    setText(this.cells.place, letter?.place ?? "");
    setText(this.cells.tick.lastChild, t(chosen ? "list.selected" : "list.not-selected"));
  }
}

// List shows a Matches with a Selection. open is called with a letter.
export class List {
  #rows = [];
  #matches = null;
  #selection;
  #open;
  #cursor = 0;
  #anchor = 0;
  #frame = 0;
  #rowHeight = 36;

  constructor(selection, open) {
    this.#selection = selection;
    this.#open = open;
    this.sizer = el("div", { class: "list-sizer", role: "presentation" });
    this.head = el("div", { class: "list-head", role: "row", "aria-rowindex": 1 },
      columns.map((name, i) => el("span", { class: `c-${name}`, role: "columnheader", "aria-colindex": i + 1 }, name === "tick" ? el("span", { class: "unseen" }, t("list.selected-head")) : t(`list.${name}`))));
    this.root = el("div", {
      class: "list", role: "grid", tabindex: "0", "aria-label": t("list.label"), "aria-multiselectable": "true", "aria-colcount": columns.length,
      "aria-describedby": "list-keys", onscroll: () => this.#soon(), onkeydown: (event) => this.#key(event), onclick: (event) => this.#click(event),
    }, this.head, this.sizer);
    selection.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.#soon()).observe(this.root);
  }

  get cursor() { return this.#cursor; }

  // show takes other matches; the cursor goes to a row.
  show(matches, row = 0) {
    this.#matches = matches;
    this.#cursor = row;
    this.#anchor = row;
    this.draw();
    this.#reveal();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.draw());
  }

  // draw fills the rows that can be seen. The newest state of everything is read anew, as
  // it is cheap and nothing can be forgotten.
  draw() {
    if (!this.#matches || !this.root.isConnected) return;
    this.#rowHeight = parseFloat(getComputedStyle(this.root).getPropertyValue("--row")) || 36;
    const total = this.#matches.total;
    this.#cursor = Math.max(0, Math.min(this.#cursor, total - 1));
    this.sizer.style.blockSize = `${total * this.#rowHeight}px`;
    setAttr(this.root, "aria-rowcount", this.#matches.known ? total + 1 : -1);
    const wanted = this.#wanted(total);
    if (wanted.length > 0) this.#matches.need(wanted.first, wanted.last + 1);
    else this.#matches.need(0, 1);
    this.#fill(wanted);
    setAttr(this.root, "aria-activedescendant", total > 0 ? `letter-${this.#cursor}` : null);
  }

  // wanted are the rows in sight with some to spare, and that at the cursor.
  #wanted(total) {
    const first = Math.max(0, Math.floor(this.root.scrollTop / this.#rowHeight) - spare);
    const fit = Math.ceil(this.root.clientHeight / this.#rowHeight) + 2 * spare;
    const last = Math.min(total - 1, first + fit);
    const rows = [];
    for (let i = first; i <= last; i++) rows.push(i);
    if (total > 0 && (this.#cursor < first || this.#cursor > last)) rows.push(this.#cursor);
    return Object.assign(rows, { first, last });
  }

  // fill gives each wanted row an element, and keeps that which shows it already: what has
  // the pointer on it does not jump.
  #fill(wanted) {
    const free = this.#rows.filter((row) => !wanted.includes(row.index));
    const now = new Date();
    for (const index of wanted) {
      const row = this.#rows.find((r) => r.index === index) ?? free.pop() ?? this.#add();
      const letter = this.#matches.at(index);
      row.show(index, letter, letter ? this.#selection.has(letter.place) : this.#selection.all, index === this.#cursor, now);
      row.root.style.transform = `translateY(${index * this.#rowHeight}px)`;
    }
    for (const row of free) {
      row.root.remove();
      row.index = -1;
    }
    this.#order();
  }

  #add() {
    const row = new Row();
    this.#rows.push(row);
    return row;
  }

  // order keeps the document in the order of the list, for those who read it, not see it.
  #order() {
    const shown = this.#rows.filter((row) => row.index >= 0).sort((a, b) => a.index - b.index);
    shown.forEach(({ root }, i) => {
      if (this.sizer.children[i] !== root) this.sizer.insertBefore(root, this.sizer.children[i] ?? null);
    });
  }

  #click(event) {
    const root = event.target.closest(".row");
    const row = this.#rows.find((r) => r.root === root);
    if (!row) return;
    this.#cursor = row.index;
    const letter = this.#matches.at(row.index);
    if (event.target.closest(".c-tick") || event.shiftKey || event.ctrlKey || event.metaKey) {
      if (event.shiftKey) this.#range(this.#anchor, row.index);
      else if (letter) this.#selection.toggle(letter.place);
      this.#anchor = event.shiftKey ? this.#anchor : row.index;
      this.draw();
    } else if (letter) this.#open(letter, row.index);
  }

  #key(event) {
    const page = Math.max(1, Math.floor((this.root.clientHeight - this.head.offsetHeight) / this.#rowHeight) - 1);
    const last = this.#matches.total - 1;
    const to = {
      ArrowDown: this.#cursor + 1, ArrowUp: this.#cursor - 1, PageDown: this.#cursor + page, PageUp: this.#cursor - page, Home: 0, End: last,
    }[event.key];
    if (to !== undefined) this.#move(Math.max(0, Math.min(to, last)), event.shiftKey);
    else if (!this.#act(event)) return;
    event.preventDefault();
  }

  #act(event) {
    const letter = this.#matches.at(this.#cursor);
    if (event.key === "Enter" && letter) this.#open(letter, this.#cursor);
    else if (event.key === " " && letter) {
      this.#anchor = this.#cursor;
      this.#selection.toggle(letter.place);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.#selection.chooseAll();
    else return false;
    return true;
  }

  #move(to, extend) {
    this.#cursor = to;
    if (extend) this.#range(this.#anchor, to);
    else this.#anchor = to;
    this.#reveal();
    this.draw();
  }

  // range chooses what lies between two rows, as far as it was fetched.
  #range(a, b) {
    for (let i = Math.min(a, b); i <= Math.max(a, b); i++) {
      const letter = this.#matches.at(i);
      if (letter) this.#selection.set(letter.place, true);
    }
  }

  #reveal() {
    const top = this.#cursor * this.#rowHeight;
    const seen = this.root.clientHeight - this.head.offsetHeight;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + this.#rowHeight > this.root.scrollTop + seen) this.root.scrollTop = top + this.#rowHeight - seen;
  }
}
