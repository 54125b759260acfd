// What the CRM's budget of requests was spent on in the last minute.

import { el, setAttr, setText, svg } from "./dom.js";
import { count } from "./format.js";
import { named, t } from "./lang.js";

const uses = ["create", "lookup", "replay", "setup"];

export class Budget {
  #parts = {};
  #rows = {};
  #bar = svg("svg", { class: "budget-bar", viewBox: "0 0 1000 1", preserveAspectRatio: "none", role: "img", "aria-label": t("budget.label") });
  #body = el("tbody");
  #limit = el("span", { class: "quiet-text" });
  #idle;

  constructor() {
    for (const use of uses) this.#add(use);
    this.#idle = this.#row("idle");
    this.root = el("section", { class: "panel budget", "aria-labelledby": "budget-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "budget-title" }, t("budget.title")), this.#limit),
      this.#bar,
      el("table", {},
        el("thead", { class: "unseen-head" }, el("tr", {}, ["use", "requests", "share", "total"].map((name) => el("th", { scope: "col" }, t(`budget.${name}`))))),
        this.#body));
  }

  #add(use) {
    this.#parts[use] = svg("rect", { class: `use-${use}`, height: 1, width: 0 });
    this.#bar.append(this.#parts[use]);
    this.#rows[use] = this.#row(use);
  }

  #row(use) {
    const cells = { requests: el("td", {}, "–"), share: el("td", {}, "–"), total: el("td", {}, "") };
    this.#body.append(el("tr", {},
      el("th", { scope: "row" }, el("span", { class: `key use-${use}`, "aria-hidden": "true" }), named("budget", use), el("span", { class: "meaning" }, named("budget", `${use}-text`, ""))),
      cells.requests, cells.share, cells.total));
    return cells;
  }

  update(state) {
    const budget = state.budget ?? {};
    const spent = budget.uses ?? [];
    const used = spent.reduce((sum, use) => sum + use.requests, 0);
    // A process that started a moment ago, or steps of five seconds, make another window.
    const seconds = budget.windowSeconds || 60;
    const whole = Math.max((budget.perMinute * seconds) / 60 || used, used, 1);
    setText(this.#limit, budget.perMinute ? t("budget.in", { requests: t("n.requests", { n: Math.round(whole) }), seconds }) : t("budget.no-limit-set"));
    let from = 0;
    for (const use of spent) {
      if (!this.#rows[use.use]) this.#add(use.use);
      const wide = (use.requests / whole) * 1000;
      setAttr(this.#parts[use.use], "x", from.toFixed(1));
      setAttr(this.#parts[use.use], "width", wide.toFixed(1));
      from += wide;
      this.#tell(this.#rows[use.use], use.requests, whole, use.total);
    }
    if (budget.perMinute) this.#tell(this.#idle, whole - used, whole);
    else setText(this.#idle.requests, t("budget.no-limit"));
    const words = spent.map((use) => t("budget.word", { use: named("budget", use.use), n: use.requests })).join(", ");
    setAttr(this.#bar, "aria-label", t("budget.words", { requests: t("n.requests", { n: Math.round(whole) }), seconds, uses: words, unused: whole - used }));
  }

  #tell(cells, requests, whole, total) {
    setText(cells.requests, count(requests));
    setText(cells.share, t("unit.share", { n: Math.round((requests / whole) * 100) }));
    setText(cells.total, total === undefined ? "" : t("budget.since-start", { n: total }));
  }
}
