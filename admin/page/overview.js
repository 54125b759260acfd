// The first screen, in the order in which somebody on call asks.

import { Budget } from "./budget.js";
import { TimeChart } from "./chart.js";
import { el } from "./dom.js";
import { Figures } from "./figures.js";
import { History } from "./history.js";
import { lag, parse, plural, rate } from "./format.js";
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
  title = "Overview";
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
    title: "Lag", format: lag, least: 1,
    summary: (points) => `${lag(last(points))} now, at most ${lag(most(points))} in the time shown`,
  });

  #created = new TimeChart({
    title: "Contacts a second", format: rate, least: 1,
    summary: (points) => `${rate(last(points))} now, at most ${rate(most(points))} in the time shown`,
  });

  #lost = new TimeChart({
    title: "New dead letters", bars: true, format: (n) => plural(n, "letter"), least: 5,
    summary: (points) => `${plural(points.reduce((sum, p) => sum + p.value, 0), "letter")} in the time shown`,
  });

  constructor() {
    this.root = el("div", { class: "overview" },
      new Where().root, this.#verdict.root, this.#figures.root,
      el("section", { class: "charts", "aria-label": "The last 15 minutes" }, this.#lag.root, this.#created.root, this.#lost.root),
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
