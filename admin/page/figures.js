// The row of figures under the verdict.

import { el, setText } from "./dom.js";
import { clockMinutes, count, lag, moment, parse, plural, rate } from "./format.js";

class Figure {
  #value = el("dd", { class: "figure-value" }, "–");
  #note = el("dd", { class: "figure-note" }, "\u00a0");

  constructor(title) {
    this.root = el("div", { class: "figure" }, el("dt", {}, title), this.#value, this.#note);
  }

  update(value, note) {
    setText(this.#value, value);
    setText(this.#note, note || "\u00a0");
  }
}

export class Figures {
  #lag = new Figure("Lag");
  #rate = new Figure("Contacts a second");
  #today = new Figure("Contacts today");
  #crm = new Figure("At the CRM");
  #letters = new Figure("Open dead letters");

  constructor() {
    this.root = el("dl", { class: "figures" },
      [this.#lag, this.#rate, this.#today, this.#letters, this.#crm].map((figure) => figure.root));
  }

  update(state, now) {
    const known = state.lag !== null && state.lag !== undefined;
    this.#lag.update(known ? lag(state.lagSeconds) : "Not known", known ? `${plural(state.lag, "record")} behind` : "no partition, or no answer of Kafka");
    this.#rate.update(rate(state.rate?.perSecond), "over the last 10 s");
    const since = parse(state.createdToday?.since);
    const midnight = since && since.getHours() === 0 && since.getMinutes() === 0 && since.getSeconds() === 0;
    this.#today.update(count(state.createdToday?.count), since ? (midnight ? "since midnight" : `since ${clockMinutes(since)}, its start`) : "");
    const crm = state.crm ?? {};
    this.#crm.update(`${count(crm.inFlight)} in flight`, `${count(crm.waiting)} waiting`);
    const letters = state.letters ?? {};
    const asOf = parse(letters.asOf);
    this.#letters.update(count(letters.open), letters.error || (asOf ? `as of ${moment(asOf, now)}` : "being read"));
  }
}
