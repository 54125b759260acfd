// The table of all replicas, as they tell of themselves. It is there when the service keeps that (KAFKA_STATE_TOPIC).

import { el, replace, setAttr, setText, uniqueId } from "./dom.js";
import { clock, count, lag, moment, parse } from "./format.js";
import { named, said, t } from "./lang.js";

const columns = ["host", "state", "version", "partitions", "in-flight", "lag", "held", "heard"];

// numbers writes partitions as ranges: "0-2, 5".
export function numbers(ids) {
  const parts = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else parts.push([id, id]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

class Row {
  #host = el("th", { scope: "row" });
  #cells = columns.slice(1).map(() => el("td"));

  constructor() {
    this.root = el("tr", {}, this.#host, this.#cells);
  }

  update(r, now) {
    const heard = parse(r.heard);
    const when = heard ? moment(heard, now) : "–";
    setText(this.#host, r.here ? t("replicas.here", { host: r.host }) : r.host);
    const texts = r.gone
      ? [t(r.state === "stopped" ? "replicas.stopped" : "replicas.gone", { time: when }), r.version, "–", "–", "–", "–", when]
      : [named("state", r.state), r.version, numbers(r.partitions ?? []) || t("none"), count(r.inFlight),
        r.lag === undefined || r.lag === null ? t("not-known") : t("replicas.lag-is", { lag: lag(r.lagSeconds), records: t("n.records", { n: r.lag }) }),
        (r.holds ?? []).map((cause, i) => named("cause", cause, r.holdTitles?.[i])).join("; ") || t("replicas.nothing"), heard ? clock(heard) : "–"];
    texts.forEach((text, i) => setText(this.#cells[i], text));
    setAttr(this.root, "class", r.gone ? "gone" : null);
  }
}

export class Replicas {
  #rows = [];
  #body = el("tbody");
  #note = el("span", { class: "quiet-text" });

  constructor() {
    const title = uniqueId("replicas");
    this.root = el("section", { class: "panel replicas", "aria-labelledby": title, hidden: true },
      el("div", { class: "panel-head" }, el("h2", { id: title }, t("replicas.title")), this.#note),
      el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-labelledby": title },
        el("table", {}, el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, t(`replicas.${name}`))))), this.#body)));
  }

  update(state, now) {
    const { replicas } = state;
    this.root.hidden = !replicas;
    if (!replicas) return;
    const list = replicas.list ?? [];
    const there = list.filter((r) => !r.gone).length;
    setText(this.#note, said(replicas.errorSaid, replicas.error) || (replicas.asOf ? t("replicas.there", { there, gone: list.length - there }) : t("being-read")));
    if (list.length !== this.#rows.length) {
      this.#rows = list.map((_, i) => this.#rows[i] ?? new Row());
      replace(this.#body, this.#rows.map((row) => row.root));
    }
    list.forEach((r, i) => this.#rows[i].update(r, now));
  }
}
