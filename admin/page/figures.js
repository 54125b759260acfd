// The row of figures under the verdict.

import { el, setText } from "./dom.js";
import { clockMinutes, count, lag, moment, parse, rate } from "./format.js";
import { said, t } from "./lang.js";

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
  #lag = new Figure(t("figure.lag"));
  #rate = new Figure(t("figure.rate"));
  #today = new Figure(t("figure.today"));
  #crm = new Figure(t("figure.crm"));
  #letters = new Figure(t("figure.letters"));

  constructor() {
    this.root = el("dl", { class: "figures" },
      [this.#lag, this.#rate, this.#today, this.#letters, this.#crm].map((figure) => figure.root));
  }

  update(state, now) {
    const known = state.lag !== null && state.lag !== undefined;
    this.#lag.update(known ? lag(state.lagSeconds) : t("not-known"), known ? t("figure.behind", { records: t("n.records", { n: state.lag }) }) : t("figure.lag-unknown"));
    this.#rate.update(rate(state.rate?.perSecond), t("figure.over-10-s"));
    const since = parse(state.createdToday?.since);
    const midnight = since && since.getHours() === 0 && since.getMinutes() === 0 && since.getSeconds() === 0;
    this.#today.update(count(state.createdToday?.count), since ? (midnight ? t("figure.since-midnight") : t("figure.since-start", { time: clockMinutes(since) })) : "");
    const crm = state.crm ?? {};
    this.#crm.update(t("figure.in-flight", { n: crm.inFlight ?? 0 }), t("figure.waiting", { n: crm.waiting ?? 0 }));
    const letters = state.letters ?? {};
    const asOf = parse(letters.asOf);
    this.#letters.update(count(letters.open), said(letters.errorSaid, letters.error) || (asOf ? t("as-of", { time: moment(asOf, now) }) : t("being-read")));
  }
}
