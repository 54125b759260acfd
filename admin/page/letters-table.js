// Dead letters by reason, with the trend of the last 24 hours. All reasons are always
// there: a row that appears would move what stands below it.

import { el, setAttr, setText } from "./dom.js";
import { count } from "./format.js";
import { said, t } from "./lang.js";
import { meaningOf, nameOf, reasons } from "./reasons.js";
import { SparkBars } from "./spark.js";

class Row {
  #bars = new SparkBars(24);
  #open = el("td", { class: "r-open" }, "–");
  #day = el("td", { class: "r-day" }, "–");
  #replayed = el("td", { class: "r-replayed" }, "–");
  #erased = el("td", { class: "r-erased" }, "–");
  #advice = el("span");

  constructor(reason) {
    this.reason = reason;
    this.root = el("tr", {},
      el("th", { scope: "row" }, el("a", { href: `#/letters?reason=${encodeURIComponent(reason)}` }, nameOf(reason)), el("span", { class: "meaning" }, meaningOf(reason))),
      this.#open, el("td", { class: "r-trend" }, this.#bars.root), this.#day, this.#replayed, this.#erased, el("td", { class: "r-advice" }, this.#advice));
    this.update({});
  }

  update({ open = 0, replayed = 0, erased = 0, trend = [], advice = "", adviceSaid = [] }) {
    const today = trend.reduce((sum, n) => sum + n, 0);
    setText(this.#open, count(open));
    setText(this.#day, count(today));
    setText(this.#replayed, count(replayed));
    setText(this.#erased, count(erased));
    setText(this.#advice, open > 0 ? said(adviceSaid, advice) : "");
    setAttr(this.root, "class", open > 0 ? "some" : "none");
    const most = Math.max(0, ...trend);
    this.#bars.update(trend, today === 0 ? t("by-reason.no-trend") : t("by-reason.trend-words", { letters: t("n.letters", { n: today }), most, latest: trend.at(-1) }));
  }
}

export class LettersTable {
  #rows = new Map();
  #body = el("tbody");
  #topic = el("span", { class: "quiet-text" });

  constructor() {
    for (const reason of reasons) this.#add(reason);
    this.root = el("section", { class: "panel by-reason", "aria-labelledby": "by-reason-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "by-reason-title" }, t("by-reason.title")), this.#topic),
      el("div", { class: "scroll-x" },
        el("table", {},
          el("thead", {}, el("tr", {}, ["reason", "open", "trend", "new", "replayed", "erased", "advice"].map((name) => el("th", { scope: "col" }, t(`by-reason.${name}`))))),
          this.#body)));
  }

  #add(reason) {
    const row = new Row(reason);
    this.#rows.set(reason, row);
    this.#body.append(row.root);
    return row;
  }

  update(state) {
    setText(this.#topic, state.topics?.deadLetters ?? "");
    for (const line of state.letters?.byReason ?? []) (this.#rows.get(line.reason) ?? this.#add(line.reason)).update(line);
  }
}
