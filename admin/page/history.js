// What all replicas did in a range of time that one picks: deliveries, letters, lag, and what held them. It is there when
// the service keeps it (KAFKA_STATE_TOPIC).

import { history, Problem } from "./api.js";
import { TimeChart } from "./chart.js";
import { el, replace, setText, uniqueId } from "./dom.js";
import { clock, count, lag, lasting, parse } from "./format.js";
import { named, said, t } from "./lang.js";

const ranges = ["1h", "6h", "24h", "7d", "30d"];
const usual = "24h";
const stale = 60000; // milliseconds; the server has a new minute then

const sum = (points) => points.reduce((all, p) => all + p.value, 0);
const most = (points) => Math.max(0, ...points.map((p) => p.value));

// deliveries says how many events came to the CRM, and how, where that is not the usual way.
function deliveries({ created = 0, found = 0, matched = 0 }) {
  const parts = [found > 0 ? t("history.found", { n: found }) : null, matched > 0 ? t("history.matched", { n: matched }) : null].filter(Boolean);
  return parts.length === 0 ? count(created) : t("history.sum", { sum: created + found + matched, parts: [t("history.created", { n: created }), ...parts].join(", ") });
}

export class History {
  #range = usual;
  #fetched = 0; // when the answer came, in milliseconds
  #asking = null; // ends what is asked
  #note = el("span", { class: "quiet-text", role: "status" });
  #holds = el("p", { class: "quiet-text history-holds" });

  #delivered = new TimeChart({
    title: t("history.deliveries"), bars: true, least: 5, format: (value, p) => (p ? deliveries(p) : count(value)),
    rest: (points) => count(sum(points)), summary: (points) => t("chart.sum", { sum: t("n.events", { n: sum(points) }) }),
  });

  #letters = new TimeChart({
    title: t("history.letters"), bars: true, least: 5, format: count,
    rest: (points) => count(sum(points)), summary: (points) => t("chart.sum", { sum: t("n.letters", { n: sum(points) }) }),
  });

  #lag = new TimeChart({
    title: t("history.lag"), least: 1, format: lag,
    rest: (points) => lag(most(points)), summary: (points) => t("chart.most", { most: lag(most(points)) }),
  });

  #held = new TimeChart({
    title: t("history.held"), bars: true, least: 60, format: lasting,
    rest: (points) => lasting(sum(points)), summary: (points) => t("chart.sum", { sum: lasting(sum(points)) }),
  });

  constructor() {
    const title = uniqueId("history");
    const picker = uniqueId("range");
    this.select = el("select", { id: picker, onchange: () => this.#pick() },
      ranges.map((range) => el("option", { value: range, selected: range === usual }, t(`history.${range}`))));
    this.root = el("section", { class: "panel history", "aria-labelledby": title, hidden: true },
      el("div", { class: "panel-head" }, el("h2", { id: title }, t("history.title")), this.#note,
        el("label", { class: "history-range", for: picker }, `${t("history.range")} `, this.select)),
      el("div", { class: "history-charts" }, this.#delivered.root, this.#letters.root, this.#lag.root, this.#held.root),
      this.#holds);
  }

  // update asks for the history again when what is shown is old.
  update(state) {
    this.root.hidden = !state.replicas;
    if (!state.replicas || document.hidden || this.#asking || Date.now() - this.#fetched < stale) return;
    this.#ask();
  }

  #pick() {
    this.#range = this.select.value;
    this.#asking?.abort();
    this.#ask();
  }

  async #ask() {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      this.#show(await history(this.#range, asking.signal));
    } catch (err) {
      if (err.name === "AbortError") return;
      if (!(err instanceof Problem)) throw err;
      setText(this.#note, err.message);
    } finally {
      if (this.#asking === asking) {
        this.#asking = null;
        this.#fetched = Date.now();
      }
    }
  }

  #show({ from, to, stepSeconds, points, holds, totals, asOf, error, errorSaid }) {
    const step = stepSeconds;
    const end = Math.ceil(parse(to).getTime() / 1000 / step) * step;
    const span = { window: Math.round((parse(to) - parse(from)) / 1000 / step) * step + step, step };
    const of = (value) => points.map((p) => ({ ...p, value: value(p) }));
    this.#delivered.update(of((p) => (p.created ?? 0) + (p.found ?? 0) + (p.matched ?? 0)), end, span);
    this.#letters.update(of((p) => p.letters ?? 0), end, span);
    this.#lag.update(of((p) => p.lagSeconds).filter((p) => p.value !== null && p.value !== undefined), end, span);
    this.#held.update(of((p) => p.held ?? 0), end, span);
    const read = parse(asOf);
    setText(this.#note, said(errorSaid, error) || (read ? t("as-of", { time: clock(read) }) : t("being-read")));
    const held = (holds ?? []).map((h) => t("history.hold", { title: named("cause", h.cause, h.title), time: lasting(h.seconds) }));
    replace(this.#holds, held.length > 0 ? t("history.what-held", { holds: held.join("; ") }) : t("history.nothing-held"),
      ` ${t("history.delivered", { deliveries: deliveries(totals) })}`);
  }
}
