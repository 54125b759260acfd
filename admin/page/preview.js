// What an edit makes of one letter: the contact, lead or deal as it would become, beside
// what is built of the event now.

import { Problem, preview } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { named, t } from "./lang.js";

const wait = 400; // milliseconds without a key until it is asked

// What became of a field is said by a word and a sign, not by colour alone.
const signs = { same: "", changed: "≠", added: "+", removed: "−" };

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
    this.root = el("section", { class: "preview", "aria-labelledby": "preview-title" }, el("h3", { id: "preview-title" }, t("preview.title")), this.#said, this.#body);
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
    if (!order) return this.#nothing(t("preview.once"));
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
  if (failed) return t("preview.edit-fails", { error: failed });
  if (after) return t(before ? "preview.still" : "preview.rejected", { why: after });
  const differing = compared.filter(({ change }) => change !== "same").length;
  if (before) return t("preview.no-more", { why: before });
  return differing === 0 ? t("preview.nothing") : t("preview.differ", { n: differing });
}

function table({ before, after, failed, compared }) {
  const head = (name, rejected) => el("th", { scope: "col" }, name, rejected ? el("span", { class: "quiet-text" }, ` ${t("preview.cannot")}`) : null);
  return el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("preview.field")), head(t("preview.now"), before), head(t("preview.after"), after || failed), el("th", { scope: "col" }, t("preview.difference")))),
    el("tbody", {}, compared.map(row)));
}

function row({ kind, field, before, after, change }) {
  const sign = signs[change] ?? "";
  return el("tr", { "data-change": change },
    el("th", { scope: "row" }, el("span", { class: "quiet-text" }, `${named("kind", kind)} `), field),
    el("td", { class: "was" }, before || "–"),
    el("td", { class: "is" }, change === "same" ? after || "–" : el("strong", {}, after || "–")),
    el("td", { class: "change-word" }, sign ? el("span", { "aria-hidden": "true" }, `${sign} `) : null, named("diff", change)));
}
