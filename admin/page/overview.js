// The first screen, in the order in which somebody on call asks.

import { Budget } from "./budget.js";
import { TimeChart } from "./chart.js";
import { el } from "./dom.js";
import { Figures } from "./figures.js";
import { History } from "./history.js";
import { lag, parse, rate } from "./format.js";
import { t } from "./lang.js";
import { LettersTable } from "./letters-table.js";
import { Partitions } from "./partitions.js";
import { Pause } from "./pause.js";
import { Replicas } from "./replicas.js";
import { Verdict } from "./verdict.js";
import { Where } from "./where.js";

const kept = 900; // seconds

const last = (points) => points.at(-1)?.value ?? 0;
const most = (points) => Math.max(0, ...points.map((p) => p.value));

export class Overview {
  title = t("nav.overview");
  #verdict = new Verdict();
  #figures = new Figures();
  #partitions = new Partitions();
  #budget = new Budget();
  #history = new History();
  #replicas = new Replicas();
  #letters = new LettersTable();
  #pause = new Pause();
  #points = [];
  #step = 5;

  #lag = new TimeChart({
    title: t("chart.lag"), format: lag, least: 1,
    summary: (points) => t("chart.now-most", { now: lag(last(points)), most: lag(most(points)) }),
  });

  #created = new TimeChart({
    title: t("chart.created"), format: rate, least: 1,
    summary: (points) => t("chart.now-most", { now: rate(last(points)), most: rate(most(points)) }),
  });

  #lost = new TimeChart({
    title: t("chart.letters"), bars: true, format: (n) => t("n.letters", { n }), least: 5,
    summary: (points) => t("chart.sum", { sum: t("n.letters", { n: points.reduce((sum, p) => sum + p.value, 0) }) }),
  });

  constructor() {
    this.root = el("div", { class: "overview" },
      new Where().root, this.#verdict.root, this.#figures.root,
      el("section", { class: "charts", "aria-label": t("chart.region") }, this.#lag.root, this.#created.root, this.#lost.root),
      this.#replicas.root,
      el("div", { class: "pair" }, this.#partitions.root, this.#budget.root),
      this.#history.root,
      this.#letters.root, this.#pause.root);
  }

  // history takes all points that the server keeps, point the one after them.
  history({ stepSeconds, points }) {
    this.#step = stepSeconds;
    this.#points = points;
    this.#draw();
  }

  point(point) {
    this.#points.push(point);
    this.#points = this.#points.filter((p) => p.t > point.t - kept);
    this.#draw();
  }

  #draw() {
    const end = this.#points.at(-1)?.t ?? Date.now() / 1000;
    const of = (value) => this.#points.map((p) => ({ t: p.t, value: value(p) }));
    this.#lag.update(of((p) => p.lagSeconds).filter((p) => p.value !== null), end);
    this.#created.update(of((p) => p.created / this.#step), end);
    this.#lost.update(of((p) => p.deadLetters), end);
  }

  update(state) {
    const now = parse(state.now) ?? new Date();
    this.#verdict.update(state, now);
    this.#figures.update(state, now);
    this.#partitions.update(state);
    this.#budget.update(state);
    this.#replicas.update(state, now);
    this.#history.update(state);
    this.#letters.update(state);
    this.#pause.update(state);
  }
}
