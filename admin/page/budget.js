// What the CRM's budget of requests was spent on in the last minute.

import { el, setAttr, setText, svg } from "./dom.js";
import { count } from "./format.js";

const uses = {
  create: ["Creates", "up to 50 contacts each"],
  lookup: ["Look-ups", "was it made before?"],
  replay: ["Replays", "letters sent again, looks from here"],
  setup: ["Set-up", "key, fields, probes"],
};

export class Budget {
  #parts = {};
  #rows = {};
  #bar = svg("svg", { class: "budget-bar", viewBox: "0 0 1000 1", preserveAspectRatio: "none", role: "img", "aria-label": "Budget of the last minute" });
  #body = el("tbody");
  #limit = el("span", { class: "quiet-text" });
  #idle;

  constructor() {
    for (const [use, [title, meaning]] of Object.entries(uses)) this.#add(use, title, meaning);
    this.#idle = this.#row("idle", "Unused", "room for more");
    this.root = el("section", { class: "panel budget", "aria-labelledby": "budget-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "budget-title" }, "CRM budget, last minute"), this.#limit),
      this.#bar,
      el("table", {},
        el("thead", { class: "unseen-head" }, el("tr", {}, ["Use", "Requests in the last minute", "Share", "Since the start"].map((title) => el("th", { scope: "col" }, title)))),
        this.#body));
  }

  #add(use, title, meaning) {
    this.#parts[use] = svg("rect", { class: `use-${use}`, height: 1, width: 0 });
    this.#bar.append(this.#parts[use]);
    this.#rows[use] = this.#row(use, title, meaning);
  }

  #row(use, title, meaning) {
    const cells = { requests: el("td", {}, "–"), share: el("td", {}, "–"), total: el("td", {}, "") };
    this.#body.append(el("tr", {},
      el("th", { scope: "row" }, el("span", { class: `key use-${use}`, "aria-hidden": "true" }), title, el("span", { class: "meaning" }, meaning)),
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
    setText(this.#limit, budget.perMinute ? `${count(whole)} requests in ${count(seconds)} s` : "no limit is set");
    let from = 0;
    for (const use of spent) {
      if (!this.#rows[use.use]) this.#add(use.use, use.use, "");
      const wide = (use.requests / whole) * 1000;
      setAttr(this.#parts[use.use], "x", from.toFixed(1));
      setAttr(this.#parts[use.use], "width", wide.toFixed(1));
      from += wide;
      this.#tell(this.#rows[use.use], use.requests, whole, use.total);
    }
    if (budget.perMinute) this.#tell(this.#idle, whole - used, whole);
    else setText(this.#idle.requests, "no limit");
    const words = spent.map((use) => `${uses[use.use]?.[0] ?? use.use} ${use.requests}`).join(", ");
    setAttr(this.#bar, "aria-label", `Of ${count(whole)} requests in the last ${count(seconds)} seconds: ${words}, unused ${count(whole - used)}`);
  }

  #tell(cells, requests, whole, total) {
    setText(cells.requests, count(requests));
    setText(cells.share, `${Math.round((requests / whole) * 100)} %`);
    setText(cells.total, total === undefined ? "" : `${count(total)} since start`);
  }
}
