// A chart of one measure over time, drawn by hand: an area, a line of the top value, ticks
// of the clock, and a reading under the pointer or the arrow keys.

import { el, svg, setAttr, setText, uniqueId } from "./dom.js";
import { clock, clockMinutes, day, moment } from "./format.js";
import { t as words } from "./lang.js";

const width = 600;
const height = 120;

// A process that started a moment ago fills a shorter chart.
const windows = [120, 300, 900]; // seconds

const longest = 86400; // seconds; beyond that the clock alone does not say when

// TimeChart draws points {t, value}: the last 15 minutes as they pass, or a span of time.
export class TimeChart {
  #options;
  #points = [];
  #top = 1;
  #end = 0;
  #window = windows[0];
  #step = 5;
  #past = false;
  #at = -1; // index of the point that is read; -1: the newest

  // options: title, bars (points are counts of a step), format (of a value and its point), summary (of the points, in
  // words), least (top value), rest (what a span of time shows while no point is read).
  constructor(options) {
    this.#options = options;
    const title = uniqueId("chart");
    this.value = el("span", { class: "chart-value" }, "–");
    this.when = el("span", { class: "chart-when" }, words("now"));
    this.area = svg("path", { class: options.bars ? "chart-bars" : "chart-area" });
    this.line = svg("path", { class: "chart-line" });
    this.cursor = svg("line", { class: "chart-cursor", y1: 0, y2: height, x1: -1, x2: -1 });
    this.topLabel = el("span", { class: "chart-top" });
    this.ticks = el("div", { class: "chart-ticks", "aria-hidden": "true" });
    this.tickLabels = [0, 1, 2, 3].map(() => el("span"));
    this.ticks.append(...this.tickLabels);
    this.plot = el("div", {
      class: "chart-plot", tabindex: "0", role: "slider", "aria-labelledby": title, "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
      onpointermove: (event) => this.#point(event), onpointerleave: () => this.#read(-1),
      onkeydown: (event) => this.#key(event), onblur: () => this.#read(-1),
    },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("line", { class: "chart-grid", x1: 0, x2: width, y1: height / 2, y2: height / 2 }),
      this.area, this.line, this.cursor),
    this.topLabel);
    this.words = el("span", { id: title, class: "unseen" }, options.title);
    this.root = el("figure", { class: "chart" },
      el("figcaption", {}, el("span", { class: "chart-title" }, options.title), this.when, this.value),
      this.plot, this.ticks, this.words);
  }

  // span is {window, step}, in seconds; without it the chart is of now.
  update(points, end, span) {
    if (span && (span.window !== this.#window || span.step !== this.#step)) this.#at = -1;
    this.#points = points;
    this.#end = end;
    this.#past = Boolean(span);
    this.#step = span?.step ?? 5;
    this.#window = span?.window ?? windows.find((w) => w >= end - (points[0]?.t ?? end)) ?? windows.at(-1);
    this.#top = nice(Math.max(this.#options.least ?? 1, ...points.map((p) => p.value)));
    const { outline, area } = this.#options.bars ? { outline: "", area: this.#bars() } : this.#paths();
    setAttr(this.line, "d", outline);
    setAttr(this.area, "d", area);
    setText(this.topLabel, this.#options.format(this.#top));
    this.#clock();
    setText(this.words, words("chart.titled", { title: this.#options.title, summary: this.#options.summary(points) }));
    this.#read(this.#at);
  }

  #x(t) { return ((t - this.#end) / this.#window + 1) * width; }
  #y(value) { return height - (value / this.#top) * (height - 4); }

  #paths() {
    const lines = [];
    for (const p of this.#points) {
      const line = lines.at(-1);
      if (line && !(this.#past && p.t - line.at(-1).t > 1.5 * this.#step)) line.push(p);
      else lines.push([p]);
    }
    const outlines = lines.map((line) => `M${line.map((p) => `${this.#x(p.t).toFixed(1)} ${this.#y(p.value).toFixed(1)}`).join("L")}`);
    const area = outlines.map((outline, i) => `${outline}L${this.#x(lines[i].at(-1).t).toFixed(1)} ${height}L${this.#x(lines[i][0].t).toFixed(1)} ${height}Z`);
    return { outline: outlines.join(""), area: area.join("") };
  }

  // bars are counts of steps: between them there is nothing to draw a line through.
  #bars() {
    const room = (this.#step / this.#window) * width;
    const wide = Math.max(room - 3, Math.min(0.8 * room, 2));
    const some = this.#points.filter((p) => p.value > 0);
    return some.map((p) => `M${(this.#x(p.t) - wide).toFixed(1)} ${height}V${this.#y(p.value).toFixed(1)}h${wide.toFixed(1)}V${height}Z`).join("");
  }

  #clock() {
    const step = this.#window / 3;
    const face = step < 60 ? clock : this.#window > longest + this.#step ? day : clockMinutes;
    this.tickLabels.forEach((label, i) => setText(label, face(new Date((this.#end - (3 - i) * step) * 1000))));
  }

  // moment says when a point was: in a span of time its step ends then.
  #moment(t) {
    const at = new Date(t * 1000);
    return this.#past ? words("chart.until", { time: moment(at) }) : clock(at);
  }

  #point(event) {
    const box = this.plot.getBoundingClientRect();
    const t = this.#end + ((event.clientX - box.left) / box.width - 1) * this.#window;
    let best = -1;
    this.#points.forEach((p, i) => {
      if (best < 0 || Math.abs(p.t - t) < Math.abs(this.#points[best].t - t)) best = i;
    });
    this.#read(best);
  }

  #key(event) {
    const last = this.#points.length - 1;
    const from = this.#at < 0 ? last : this.#at;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#read(Math.min(Math.max(to, 0), last));
  }

  #read(index) {
    this.#at = index < this.#points.length ? index : -1;
    const point = this.#points.at(this.#at);
    const rests = this.#at < 0 || !point;
    const { format, rest } = this.#options;
    setText(this.value, rests && this.#past ? rest(this.#points) : point ? format(point.value, point) : "–");
    setText(this.when, rests ? words(this.#past ? "chart.in-this-time" : "now") : this.#moment(point.t));
    // To those who hear it the chart is a slider over time. While it has the focus it speaks
    // of what is read only, not of each new number.
    if (this.#at >= 0 || document.activeElement !== this.plot) {
      const last = Math.max(this.#points.length - 1, 0);
      setAttr(this.plot, "aria-valuemax", last);
      setAttr(this.plot, "aria-valuenow", this.#at < 0 ? last : this.#at);
      setAttr(this.plot, "aria-valuetext", words("chart.read", { when: this.when.textContent, value: this.value.textContent }));
    }
    const x = rests ? -1 : this.#x(point.t).toFixed(1);
    setAttr(this.cursor, "x1", x);
    setAttr(this.cursor, "x2", x);
  }
}

// nice is the next number of the form 1, 2 or 5 times a power of ten.
export function nice(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 5, 10].map((m) => m * power).find((m) => m >= n - 1e-9);
}
