// Where is this person's lead? The text stays in this page's memory and in the body of a request.

import { where } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { count, moment, parse, plural } from "./format.js";

const states = {
  waiting: "waits in the topic",
  taken: "was taken up; nothing of it was sent yet",
  sent: "may have been sent; it is looked up before another is",
  letter: "is a dead letter",
  contact: "is a contact",
  erased: "was erased on the person’s request",
  ended: "is done, but neither a letter nor a contact was found",
};

export class Where {
  #text = el("input", { type: "search", id: "where", autocomplete: "off", spellcheck: "false", maxlength: "500", placeholder: "Phone in any spelling, e-mail, name, event id, contact’s id, partition:offset" });
  #go = el("button", { type: "submit", id: "where-go" }, "Find");
  #said = el("p", { class: "where-said", role: "status" });
  #list = el("ol", { class: "where-found" });

  constructor() {
    this.root = el("form", { class: "where", role: "search", onsubmit: (event) => { event.preventDefault(); this.#look(); } },
      el("div", { class: "filter-line" }, el("label", { class: "field grow", for: "where" }, el("span", {}, "Where is this lead?"), this.#text), this.#go),
      this.#said, this.#list);
  }

  async #look() {
    if (this.#text.value.trim() === "") return;
    this.#go.disabled = true;
    setText(this.#said, "Reading the topic, the letters and the results…");
    replace(this.#list);
    try {
      this.#show(await where(this.#text.value));
    } catch (err) {
      setText(this.#said, `It was not looked for: ${err.message}`);
    }
    this.#go.disabled = false;
  }

  #show({ events, more, since, noCrm }) {
    const from = parse(since);
    const notes = [
      events.length === 0 ? "Not seen." : `${plural(events.length, "event")} found${more ? ", and more: leadbridge find shows all" : ""}.`,
      from ? `The log reaches back to ${moment(from)}.` : "",
      noCrm ? "The CRM could not be asked." : "",
    ];
    setText(this.#said, notes.filter(Boolean).join(" "));
    replace(this.#list, events.map(item));
  }
}

function item(e) {
  const at = parse(e.at), closed = parse(e.closedAt);
  const safe = /^https?:\/\//i.test(e.cardUrl ?? "");
  const card = [e.leadId && `lead ${e.leadId}`, e.contactId && `contact ${e.contactId}`, e.dealId && `deal ${e.dealId}`].filter(Boolean).join(", ");
  return el("li", { "data-state": e.state },
    el("strong", {}, `By ${e.by}: it ${states[e.state] ?? e.state}`),
    e.state === "waiting" && e.before > 0 ? ` behind ${count(e.before)} others` : "",
    e.record ? `, record ${e.record}` : "", at ? `, ${moment(at)}` : "",
    e.letter ? [": ", el("a", { href: `#/letters/${e.letter}` }, `letter ${e.letter}`), `, ${e.reason} ${e.words}`] : "",
    closed ? `, closed ${moment(closed)}: ${e.closed ?? ""}` : "",
    card ? [": ", safe ? el("a", { href: e.cardUrl, target: "_blank", rel: "noopener noreferrer" }, card) : card] : "",
    el("span", { class: "quiet-text" }, ` ${e.eventId}`));
}
