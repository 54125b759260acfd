// The table of partitions: lag in seconds of each, with its last minute.

import { el, replace, setAttr, setText } from "./dom.js";
import { count, lag } from "./format.js";
import { t } from "./lang.js";
import { SparkLine } from "./spark.js";

class Row {
  #spark = new SparkLine(60);
  #cells = Object.fromEntries(["owner", "seconds", "lag", "unfinished", "suspects", "committed", "end"].map((name) => [name, el("td", { class: `p-${name}` })]));

  constructor(id) {
    const { owner, seconds, lag: behind, unfinished, suspects, committed, end } = this.#cells;
    this.root = el("tr", {}, el("th", { scope: "row" }, String(id)), seconds, el("td", { class: "p-trend" }, this.#spark.root), behind, unfinished, suspects, committed, end, owner);
  }

  update(p) {
    const ours = p.owner === "this";
    setText(this.#cells.seconds, p.lagSeconds === null || p.lagSeconds === undefined ? "–" : lag(p.lagSeconds));
    setText(this.#cells.lag, count(p.lag));
    setText(this.#cells.unfinished, ours ? count(p.unfinished) : "–");
    setText(this.#cells.suspects, ours ? count(p.suspects) : "–");
    setText(this.#cells.committed, p.committed < 0 ? t("none") : count(p.committed));
    setText(this.#cells.end, count(p.logEnd));
    const owner = t(`owner.${p.owner || "none"}`);
    setText(this.#cells.owner, p.host ? (ours ? t("owner.host-here", { host: p.host }) : p.host) : owner);
    setAttr(this.#cells.owner, "title", p.host ?? null);
    setAttr(this.root, "data-owner", p.owner ?? "");
    this.#spark.push(p.lagSeconds ?? 0);
  }
}

export class Partitions {
  #rows = new Map();
  #body = el("tbody");
  #topic = el("span", { class: "quiet-text" });

  constructor() {
    this.root = el("section", { class: "panel partitions", "aria-labelledby": "partitions-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "partitions-title" }, t("partitions.title")), this.#topic),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "partitions-title" },
        el("table", {},
          el("thead", {}, el("tr", {},
            ["partition", "lag", "minute", "records", "unfinished", "suspects", "committed", "end", "owner"].map((name) => el("th", { scope: "col" }, t(`partitions.${name}`))))),
          this.#body)));
  }

  update(state) {
    const partitions = state.partitions ?? [];
    this.root.classList.toggle("named", partitions.some((p) => p.host)); // hosts need more room
    setText(this.#topic, t("partitions.of", { topic: state.topics?.leads ?? "", group: state.group ?? "" }));
    const ids = partitions.map((p) => p.partition);
    if (ids.join() !== [...this.#rows.keys()].join()) {
      this.#rows = new Map(ids.map((id) => [id, this.#rows.get(id) ?? new Row(id)]));
      replace(this.#body, [...this.#rows.values()].map((row) => row.root));
    }
    for (const p of partitions) this.#rows.get(p.partition).update(p);
  }
}
