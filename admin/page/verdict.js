// The answer to the first question: is it delivering, and if not, what holds it, since
// when, and what to do. Its place has a fixed height, so that nothing below it moves.

import { el, replace, setAttr, setText, svg } from "./dom.js";
import { lasting, moment, parse } from "./format.js";

const words = {
  starting: ["Starting", "The service is joining its group and asking the portal."],
  delivering: ["Delivering", "Nothing holds it. Nothing to do."],
  throttled: ["Throttled", "The CRM asked for a pause; delivery goes on by itself."],
  held: ["Held", "Delivery pauses on purpose. Nothing is dropped, no attempt is counted."],
  draining: ["Stopping", "It finishes what is in flight and takes nothing new."],
};

const shapes = {
  delivering: "M5 12.5l4.5 4.5L19 7.5",
  throttled: "M12 6v6l4 2.5M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18",
  held: "M9 6v12M15 6v12",
  starting: "M12 4a8 8 0 1 1-7 4",
  draining: "M12 5v13M6 12l6 6l6-6",
};

export class Verdict {
  #icon = svg("path", { fill: "none", stroke: "currentColor", "stroke-width": 2.2, "stroke-linecap": "round", "stroke-linejoin": "round" });
  #word = el("span", { class: "verdict-word" }, "…");
  #text = el("p", { class: "verdict-text" }, "Asking the service.");
  #facts = el("p", { class: "verdict-facts" });
  #shown = new Map(); // by cause
  #none = el("li", { class: "hold none" }, "Nothing holds the delivery.");
  #holds = el("ol", {}, this.#none);
  #more = new Facts();

  constructor() {
    this.root = el("section", { class: "verdict", "data-state": "unknown", "aria-labelledby": "verdict-title" },
      el("h1", { id: "verdict-title", class: "unseen" }, "Is it delivering?"),
      el("div", { class: "verdict-left" },
        el("p", { class: "verdict-line", role: "status" },
          svg("svg", { viewBox: "0 0 24 24", width: 32, height: 32, "aria-hidden": "true" }, this.#icon), this.#word),
        this.#text, this.#facts),
      el("div", { class: "verdict-right", tabindex: "0", role: "region", "aria-label": "What holds it, and what to do" }, this.#holds, this.#more.root));
  }

  update(state, now) {
    const [word, text] = words[state.state] ?? [state.state, ""];
    setAttr(this.root, "data-state", state.state);
    setAttr(this.#icon, "d", shapes[state.state] ?? "");
    setText(this.#word, word);
    setText(this.#text, state.reason || text);
    const started = parse(state.started);
    const health = state.healthy ? (state.ready ? "ready" : "not ready") : "not healthy";
    setText(this.#facts, `${health}; started ${started ? `${moment(started, now)}, ${lasting((now - started) / 1000)} ago` : "at an unknown time"}`);
    this.#update(state.holds ?? [], now);
    this.#more.root.hidden = (state.holds ?? []).length > 0; // what holds it has the place
    this.#more.update(state);
  }

  #update(holds, now) {
    const causes = holds.map((hold) => hold.cause);
    if (causes.join() !== [...this.#shown.keys()].join()) {
      this.#shown = new Map(holds.map((hold) => [hold.cause, new HoldItem()]));
      const items = [...this.#shown.values()].map((item) => item.root);
      replace(this.#holds, items.length > 0 ? items : this.#none);
    }
    for (const hold of holds) this.#shown.get(hold.cause).update(hold, now);
  }
}

// Facts is what else one wants to know of this process.
class Facts {
  #values = ["Portal", "Events are found by", "Group member", "Version"].map((name) => [el("dt", {}, name), el("dd", {}, "–")]);

  constructor() {
    this.root = el("dl", { class: "verdict-more" }, this.#values);
  }

  update({ crm = {}, group, generation, member, version }) {
    const texts = [crm.portal, crm.originField, member ? `${member}, generation ${generation} of ${group}` : "", version];
    this.#values.forEach(([, value], i) => setText(value, texts[i] || "not known yet"));
  }
}

// HoldItem is one thing that holds the delivery.
class HoldItem {
  #title = el("strong", { class: "hold-title" });
  #since = el("span");
  #probe = el("span", { class: "hold-probe" });
  #answer = el("span", { class: "hold-answer" });
  #advice = el("p", { class: "hold-advice" });

  constructor() {
    this.root = el("li", { class: "hold" },
      el("p", { class: "hold-line" }, this.#title, this.#answer),
      el("p", { class: "hold-times" }, this.#since, this.#probe),
      this.#advice);
  }

  update(hold, now) {
    const since = parse(hold.since);
    const until = parse(hold.until);
    setText(this.#title, hold.title || hold.cause);
    setText(this.#answer, [hold.status || "", hold.code || ""].filter(Boolean).join(" "));
    setText(this.#since, since ? `Since ${moment(since, now)}, for ${lasting((now - since) / 1000)}` : "");
    setText(this.#probe, until ? (until > now ? `Next probe in ${lasting((until - now) / 1000 + 1)}` : "Probing now") : "");
    setText(this.#advice, hold.advice ? `To do: ${hold.advice}` : "");
  }
}
