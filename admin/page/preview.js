// What an edit makes of one letter: the contact, lead or deal as it would become, beside
// what is built of the event now.

import { Problem, preview } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { plural } from "./format.js";

const wait = 400; // milliseconds without a key until it is asked

// What became of a field is said by a word and a sign, not by colour alone.
const changes = { same: ["", "same"], changed: ["≠", "changed"], added: ["+", "added"], removed: ["−", "removed"] };

// Preview shows what order() would make of the letter at a place; changed() is called whenever that may differ.
export class Preview {
  #place;
  #order;
  #timer = 0;
  #asking = new AbortController();
  #said = el("p", { class: "preview-said", id: "preview-said", role: "status" });
  #body = el("div", { class: "preview-body", tabindex: "0", role: "region", "aria-labelledby": "preview-title" });

  constructor(place, order) {
    this.#place = place;
    this.#order = order;
    this.root = el("section", { class: "preview", "aria-labelledby": "preview-title" }, el("h3", { id: "preview-title" }, "What it would become"), this.#said, this.#body);
  }

  // changed asks the server once nothing has changed for a moment, and at once with now.
  changed(now = false) {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#timer = setTimeout(() => this.#ask(), now ? 0 : wait);
  }

  // close forgets the values that are shown.
  close() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    replace(this.#body);
  }

  async #ask() {
    const order = this.#order();
    if (!order) return this.#nothing("It is shown here once the value is a JSON object.");
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const shown = await preview(this.#place, order, signal);
      if (!signal.aborted) this.#show(shown);
    } catch (err) {
      if (err.name === "AbortError" || signal.aborted) return null;
      if (!(err instanceof Problem)) throw err;
      this.#nothing(err.message);
    }
    return null;
  }

  #nothing(words) {
    setText(this.#said, words);
    replace(this.#body);
  }

  #show(shown) {
    setText(this.#said, summary(shown));
    replace(this.#body, shown.compared.length === 0 ? null : table(shown));
  }
}

function summary({ before, after, failed, compared }) {
  if (failed) return `The edit fails: ${failed}`;
  if (after) return `${before ? "It would still be rejected" : "It would be rejected"}: ${after}`;
  const differing = compared.filter(({ change }) => change !== "same").length;
  if (before) return `It would not be rejected any more. Now: ${before}`;
  return differing === 0 ? "Nothing would differ from what is built now." : `${plural(differing, "field")} would differ.`;
}

function table({ before, after, failed, compared }) {
  const head = (name, rejected) => el("th", { scope: "col" }, name, rejected ? el("span", { class: "quiet-text" }, " nothing can be built") : null);
  return el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Field"), head("Now", before), head("After the edit", after || failed), el("th", { scope: "col" }, "Difference"))),
    el("tbody", {}, compared.map(row)));
}

function row({ kind, field, before, after, change }) {
  const [sign, word] = changes[change] ?? ["", change];
  return el("tr", { "data-change": change },
    el("th", { scope: "row" }, el("span", { class: "quiet-text" }, `${kind} `), field),
    el("td", { class: "was" }, before || "–"),
    el("td", { class: "is" }, change === "same" ? after || "–" : el("strong", {}, after || "–")),
    el("td", { class: "change-word" }, sign ? el("span", { "aria-hidden": "true" }, `${sign} `) : null, word));
}
