// Small drawings without axes: a line and a row of bars. Beside them stands what they say
// in words or figures, so they are hidden from screen readers unless given a label.

import { setAttr, svg } from "./dom.js";

const width = 96;
const height = 24;

function frame(kind, label, ...children) {
  return svg("svg", {
    class: `spark ${kind}`, viewBox: `0 0 ${width} ${height}`, width, height, preserveAspectRatio: "none",
    role: label ? "img" : null, "aria-label": label, "aria-hidden": label ? null : "true",
  }, ...children);
}

// SparkLine draws the last of its values.
export class SparkLine {
  #values = [];
  #keep;
  #path = svg("path", { class: "spark-line" });

  constructor(keep = 60) {
    this.#keep = keep;
    this.root = frame("line", null, svg("line", { class: "spark-base", x1: 0, x2: width, y1: height - 1, y2: height - 1 }), this.#path);
  }

  push(value) {
    this.#values.push(value);
    if (this.#values.length > this.#keep) this.#values.shift();
    const top = Math.max(1, ...this.#values);
    const step = width / (this.#keep - 1);
    const from = this.#keep - this.#values.length;
    const xy = this.#values.map((v, i) => `${((from + i) * step).toFixed(1)} ${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`);
    setAttr(this.#path, "d", `M${xy.join("L")}`);
  }
}

// SparkBars draws a fixed number of counts.
export class SparkBars {
  #bars;

  constructor(n) {
    const step = width / n;
    this.#bars = Array.from({ length: n }, (_, i) => svg("rect", { class: "spark-bar", x: (i * step + 0.5).toFixed(2), width: (step - 1).toFixed(2), y: height - 1, height: 1 }));
    this.root = frame("bars", " ", this.#bars);
  }

  update(counts, label) {
    const top = Math.max(1, ...counts);
    this.#bars.forEach((bar, i) => {
      const n = counts[i] ?? 0;
      const h = n > 0 ? Math.max(2, (n / top) * (height - 1)) : 1;
      setAttr(bar, "height", h.toFixed(1));
      setAttr(bar, "y", (height - h).toFixed(1));
      setAttr(bar, "class", n > 0 ? "spark-bar" : "spark-bar none");
    });
    setAttr(this.root, "aria-label", label);
  }
}
