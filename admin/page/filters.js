// What is searched for: reasons, states, a time and a text. The text stays in this page's
// memory; addresses carry reasons only.

import { el, setText } from "./dom.js";
import { count } from "./format.js";
import { t } from "./lang.js";
import { nameOf, reasons } from "./reasons.js";

const pause = 200; // milliseconds without a key until a text is searched for

const times = [["", "filter.any-time"], ["3600", "filter.hour"], ["86400", "filter.day"], ["604800", "filter.week"]];

// Filters gives a "change" event when what is searched for is another.
export class Filters extends EventTarget {
  #reasons = new Set();
  #states = new Set(["open"]);
  #chips = new Map();
  #stateBoxes = [];
  #timer = 0;
  #reasonGroup;

  constructor() {
    super();
    this.text = el("input", {
      type: "search", id: "search", autocomplete: "off", spellcheck: "false", placeholder: t("filter.placeholder"),
      oninput: () => this.#soon(),
    });
    this.time = el("select", { id: "time", onchange: () => this.#changed() }, times.map(([value, title]) => el("option", { value }, t(title))));
    const narrow = (id, title, placeholder) => el("input", { type: "text", id, autocomplete: "off", spellcheck: "false", "aria-label": title, placeholder, oninput: () => this.#soon() });
    this.code = narrow("code", t("filter.code-label"), t("filter.code"));
    this.words = narrow("words", t("filter.words-label"), t("filter.words"));
    this.source = narrow("source", t("filter.source-label"), t("filter.source"));
    this.#reasonGroup = el("div", { class: "chips", role: "group", "aria-label": t("filter.reasons") });
    for (const reason of reasons) this.#chip(reason);
    this.root = el("form", { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); this.#now(); } },
      el("div", { class: "filter-line" },
        el("label", { class: "field grow", for: "search" }, el("span", { class: "unseen" }, t("filter.search")), this.text),
        el("label", { class: "field", for: "time" }, el("span", {}, t("filter.written")), this.time),
        el("fieldset", { class: "states" }, el("legend", { class: "unseen" }, t("filter.state")), ["open", "closed", "replayed", "erased"].map((state) => this.#state(state)))),
      el("div", { class: "filter-line narrow" }, this.code, this.words, this.source),
      this.#reasonGroup);
  }

  // filter is what the server searches for.
  get filter() {
    const since = this.time.value ? new Date(Date.now() - Number(this.time.value) * 1000).toISOString() : "";
    return { reasons: [...this.#reasons], codes: one(this.code), words: one(this.words), sources: one(this.source), states: [...this.#states], text: this.text.value.trim(), since, until: "" };
  }

  get narrowed() { return this.#reasons.size > 0 || this.text.value.trim() !== "" || this.time.value !== "" || this.code.value + this.words.value + this.source.value !== "" || this.#states.size < 4; }

  // only shows one reason's letters, or those of all when there is none.
  only(reason, code = "") {
    this.code.value = code;
    this.#reasons = new Set(reason === null ? [] : [reason]);
    if (reason !== null && !this.#chips.has(reason)) this.#chip(reason);
    this.#show();
    this.#changed();
  }

  // counts shows how many are open of each reason.
  counts(byReason) {
    for (const { reason, open, closed = 0, replayed, erased } of byReason) {
      const chip = this.#chips.get(reason) ?? this.#chip(reason);
      const n = (this.#states.has("open") ? open : 0) + (this.#states.has("closed") ? closed : 0) + (this.#states.has("replayed") ? replayed : 0) + (this.#states.has("erased") ? erased : 0);
      setText(chip.count, count(n));
    }
  }

  #chip(reason) {
    const number = el("span", { class: "count" }, "0");
    const button = el("button", { type: "button", class: "chip", "aria-pressed": "false", "data-reason": reason, onclick: () => this.#toggle(reason) }, el("span", { class: "name" }, nameOf(reason)), number);
    this.#reasonGroup.append(button);
    const chip = { button, count: number };
    this.#chips.set(reason, chip);
    return chip;
  }

  #state(state) {
    const box = el("input", { type: "checkbox", value: state, onchange: () => this.#chooseStates() });
    box.checked = this.#states.has(state);
    this.#stateBoxes.push(box);
    return el("label", { class: "check" }, box, t(`letter-state.${state}`));
  }

  // None of the states is no question: then it is all of them.
  #chooseStates() {
    this.#states = new Set(this.#stateBoxes.filter((box) => box.checked).map((box) => box.value));
    if (this.#states.size === 0) this.#states = new Set(this.#stateBoxes.map((box) => box.value));
    this.#changed();
  }

  #toggle(reason) {
    if (!this.#reasons.delete(reason)) this.#reasons.add(reason);
    this.#show();
    this.#changed();
  }

  #show() {
    for (const [reason, { button }] of this.#chips) button.setAttribute("aria-pressed", String(this.#reasons.has(reason)));
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changed(), pause);
  }

  #now() {
    clearTimeout(this.#timer);
    this.#changed();
  }

  #changed() { this.dispatchEvent(new Event("change")); }
}

// one is what is written in a field, as a list.
const one = (field) => (field.value.trim() === "" ? [] : [field.value.trim()]);
