// Where is this person's lead? The text stays in this page's memory and in the body of a request.

import { where } from "./api.js";
import { cards } from "./cards.js";
import { el, replace, setText } from "./dom.js";
import { moment, parse } from "./format.js";
import { named, t } from "./lang.js";

export class Where {
  #text = el("input", { type: "search", id: "where", autocomplete: "off", spellcheck: "false", maxlength: "500", placeholder: t("where.placeholder") });
  #go = el("button", { type: "submit", id: "where-go" }, t("where.find"));
  #said = el("p", { class: "where-said", role: "status" });
  #list = el("ol", { class: "where-found" });

  constructor() {
    this.root = el("form", { class: "where", role: "search", onsubmit: (event) => { event.preventDefault(); this.#look(); } },
      el("div", { class: "filter-line" }, el("label", { class: "field grow", for: "where" }, el("span", {}, t("where.label")), this.#text), this.#go),
      this.#said, this.#list);
  }

  async #look() {
    if (this.#text.value.trim() === "") return;
    this.#go.disabled = true;
    setText(this.#said, t("where.reading"));
    replace(this.#list);
    try {
      this.#show(await where(this.#text.value));
    } catch (err) {
      setText(this.#said, t("where.failed", { error: err.message }));
    }
    this.#go.disabled = false;
  }

  #show({ events, more, since, noCrm }) {
    const from = parse(since);
    const notes = [
      events.length === 0 ? t("where.not-seen") : t(more ? "where.found-more" : "where.found", { n: events.length }),
      from ? t("where.since", { time: moment(from) }) : "",
      noCrm ? t("where.no-crm") : "",
    ];
    setText(this.#said, notes.filter(Boolean).join(" "));
    replace(this.#list, events.map(item));
  }
}

function item(e) {
  const at = parse(e.at), closed = parse(e.closedAt);
  const made = cards(e);
  return el("li", { "data-state": e.state },
    el("strong", {}, t("where.by", { by: named("by", e.by), fate: named("fate", e.state) })),
    e.state === "waiting" && e.before > 0 ? ` ${t("where.behind", { n: e.before })}` : "",
    e.record ? `, ${t("where.record", { place: e.record })}` : "", at ? `, ${moment(at)}` : "",
    e.letter ? [": ", el("a", { href: `#/letters/${e.letter}` }, t("where.letter", { place: e.letter })), `, ${e.reason} ${e.words}`] : "",
    closed ? `, ${t("where.closed", { time: moment(closed), word: e.closed ?? "" })}` : "",
    made.length > 0 ? [": ", made] : "",
    el("span", { class: "quiet-text" }, ` ${e.eventId}`));
}
