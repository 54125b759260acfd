// The answer to the first question: is it delivering, and if not, what holds it, since
// when, and what to do. Its place has a fixed height, so that nothing below it moves.

import { probe, releaseFlood } from "./api.js";
import { el, replace, setAttr, setText, svg } from "./dom.js";
import { lasting, moment, parse } from "./format.js";
import { named, said, t } from "./lang.js";

const shapes = {
  delivering: "M5 12.5l4.5 4.5L19 7.5",
  throttled: "M12 6v6l4 2.5M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18",
  held: "M9 6v12M15 6v12",
  starting: "M12 4a8 8 0 1 1-7 4",
  rebalancing: "M12 4a8 8 0 1 1-7 4",
  draining: "M12 5v13M6 12l6 6l6-6",
};

export class Verdict {
  #icon = svg("path", { fill: "none", stroke: "currentColor", "stroke-width": 2.2, "stroke-linecap": "round", "stroke-linejoin": "round" });
  #word = el("span", { class: "verdict-word" }, "…");
  #text = el("p", { class: "verdict-text" }, t("verdict.asking"));
  #facts = el("p", { class: "verdict-facts" });
  #shown = new Map(); // by cause
  #waits = new Map(); // by why
  #none = el("li", { class: "hold none" }, t("verdict.nothing"));
  #list = el("ol", {}, this.#none);
  #said = el("p", { class: "acts-said", role: "status" });
  #probe = el("button", { type: "button", class: "small", id: "probe", "data-needs": "act", onclick: () => this.#act(this.#probe, probe, () => t("verdict.probed")) }, t("verdict.probe"));
  #release = el("button", { type: "button", class: "small", id: "release-flood", "data-needs": "act", onclick: () => this.#releaseFlood() }, t("verdict.release"));
  #acts = el("div", { class: "acts" }, this.#probe, this.#release, this.#said);
  #more = new Facts();

  constructor() {
    this.root = el("section", { class: "verdict", "data-state": "unknown", "aria-labelledby": "verdict-title" },
      el("h1", { id: "verdict-title", class: "unseen" }, t("verdict.question")),
      el("div", { class: "verdict-left" },
        el("p", { class: "verdict-line", role: "status" },
          svg("svg", { viewBox: "0 0 24 24", width: 32, height: 32, "aria-hidden": "true" }, this.#icon), this.#word),
        this.#text, this.#facts),
      el("div", { class: "verdict-right", tabindex: "0", role: "region", "aria-label": t("verdict.region") }, this.#list, this.#acts, this.#more.root));
  }

  update(state, now) {
    setAttr(this.root, "data-state", state.state);
    setAttr(this.#icon, "d", shapes[state.state] ?? "");
    setText(this.#word, named("state", state.state));
    const waiting = state.waiting ?? [];
    const calm = waiting.length === 0 && state.lag !== null && state.lag !== undefined;
    setAttr(this.root, "data-calm", calm ? "yes" : "no");
    setText(this.#text, said(state.reasonSaid, state.reason) || (state.state === "delivering" ? delivering(state, waiting) : byCause(state) ?? named("state-text", state.state, "")));
    const started = parse(state.started);
    const health = t(state.healthy ? (state.ready ? "verdict.ready" : "verdict.not-ready") : "verdict.not-healthy");
    setText(this.#facts, started ? t("verdict.started", { health, time: moment(started, now), age: lasting((now - started) / 1000) }) : t("verdict.started-unknown", { health }));
    this.#update(state.holds ?? [], waiting, now);
    const flood = waiting.some((w) => w.why === "flood") || (state.holds ?? []).some((hold) => hold.cause === "flood");
    this.#release.hidden = !flood;
    this.#probe.hidden = !tried(state, waiting);
    this.#acts.hidden = this.#release.hidden && this.#probe.hidden && this.#said.textContent === "";
    this.#more.root.hidden = (state.holds ?? []).length + waiting.length > 0; // what holds it has the place
    this.#more.update(state);
  }

  // The second press confirms: letters that are written are not taken back.
  #releaseFlood() {
    if (this.#release.dataset.sure !== "yes") {
      this.#release.dataset.sure = "yes";
      setText(this.#release, t("verdict.release-sure"));
      setText(this.#said, t("verdict.press-again"));
      return;
    }
    this.#act(this.#release, releaseFlood, ({ letters }) => (letters > 0 ? t("verdict.written", { letters: t("n.letters", { n: letters }) }) : t("verdict.no-flood")));
  }

  async #act(button, ask, say) {
    button.disabled = true;
    try {
      setText(this.#said, say(await ask()));
    } catch (err) {
      setText(this.#said, t("verdict.not-done", { error: err.message }));
    }
    button.disabled = false;
    delete this.#release.dataset.sure;
    setText(this.#release, t("verdict.release"));
  }

  #update(holds, waiting, now) {
    const named = [...holds.map((hold) => hold.cause), "", ...waiting.map((w) => w.why)].join();
    if (named !== [...this.#shown.keys(), "", ...this.#waits.keys()].join()) {
      this.#shown = new Map(holds.map((hold) => [hold.cause, new HoldItem()]));
      this.#waits = new Map(waiting.map((w) => [w.why, new WaitItem()]));
      const items = [...this.#shown.values(), ...this.#waits.values()].map((item) => item.root);
      replace(this.#list, items.length > 0 ? items : this.#none);
    }
    for (const hold of holds) this.#shown.get(hold.cause).update(hold, now);
    for (const w of waiting) this.#waits.get(w.why).update(w, now);
  }
}

// delivering says in a sentence whether anything waits while nothing is held.
function delivering(state, waiting) {
  if (waiting.length > 0) return t("state-text.waiting");
  if (state.lag === null || state.lag === undefined) return t("state-text.unknown");
  const partitions = state.partitions ?? [];
  if (partitions.length > 0 && !partitions.some((p) => p.owner === "this")) return t("state-text.elsewhere");
  return t("state-text.delivering");
}

// tried reports whether a probe by hand would do something: the CRM holds creates, or some back off.
function tried(state, waiting) {
  const crm = ["preparing", "credentials", "outage", "throttle", "origin_field", "match"];
  return (state.holds ?? []).some((hold) => crm.includes(hold.cause)) || waiting.some((w) => w.why === "backoff");
}

// byCause says what a hold is that is not of the service's own choice.
function byCause(state) {
  const kafka = (state.holds ?? []).some((hold) => hold.cause === "brokers");
  return state.state === "held" && kafka ? t("state-text.kafka") : undefined;
}

// Facts are further facts about this process.
class Facts {
  #values = ["portal", "found-by", "member", "version"].map((name) => [el("dt", {}, t(`verdict.${name}`)), el("dd", {}, "–")]);

  constructor() {
    this.root = el("dl", { class: "verdict-more" }, this.#values);
  }

  update({ crm = {}, group, generation, member, version }) {
    const texts = [crm.portal, crm.originField, member ? t("verdict.member-is", { member, generation: String(generation), group }) : "", version];
    this.#values.forEach(([, value], i) => setText(value, texts[i] || t("verdict.not-yet")));
  }
}

// WaitItem is one thing that events wait for.
class WaitItem {
  #title = el("strong", { class: "hold-title" });
  #since = el("span");
  #until = el("span", { class: "hold-probe" });
  #text = el("p", { class: "hold-advice" });

  constructor() {
    this.root = el("li", { class: "hold wait" },
      el("p", { class: "hold-line" }, this.#title),
      el("p", { class: "hold-times" }, this.#since, this.#until),
      this.#text);
  }

  update(w, now) {
    const since = parse(w.since);
    const until = parse(w.until);
    const known = w.events !== null && w.events !== undefined;
    setAttr(this.root, "data-why", w.why);
    setText(this.#title, known ? t("wait.events", { n: w.events }) : t("wait.events-unknown"));
    setText(this.#since, since ? t("wait.since", { time: moment(since, now), age: lasting((now - since) / 1000) }) : "");
    setText(this.#until, until ? (until > now ? t("wait.until", { time: moment(until, now) }) : t("wait.again")) : "");
    setText(this.#text, t("wait.for", { what: named("why", w.why, w.text) }));
  }
}

// lettersOf are the reasons of the letters that a hold makes, where it makes any.
const lettersOf = { flood: "CRM_REFUSED", outage: "RETRIES_EXHAUSTED", credentials: "RETRIES_EXHAUSTED", origin_field: "RETRIES_EXHAUSTED" };

// HoldItem is one thing that holds the delivery.
class HoldItem {
  #title = el("strong", { class: "hold-title" });
  #since = el("span");
  #probe = el("span", { class: "hold-probe" });
  #answer = el("span", { class: "hold-answer" });
  #advice = el("p", { class: "hold-advice" });
  #words = el("p", { class: "hold-words" });
  #letters = el("a", { class: "hold-letters", hidden: true }, t("hold.letters"));

  constructor() {
    this.root = el("li", { class: "hold" },
      el("p", { class: "hold-line" }, this.#title, this.#answer),
      el("p", { class: "hold-times" }, this.#since, this.#probe, this.#letters),
      this.#words, this.#advice);
  }

  update(hold, now) {
    const since = parse(hold.since);
    const until = parse(hold.until);
    setText(this.#title, hold.of ? t("cause-of", { kind: named("kind", hold.of) }) : named("cause", hold.cause, hold.title || hold.cause));
    setText(this.#answer, [hold.status || "", hold.code || ""].filter(Boolean).join(" "));
    setText(this.#since, since ? t("hold.since", { time: moment(since, now), age: lasting((now - since) / 1000) }) : "");
    setText(this.#probe, until ? (until > now ? t("hold.probe-in", { time: lasting((until - now) / 1000 + 1) }) : t("hold.probing")) : "");
    this.#letters.hidden = !lettersOf[hold.cause];
    if (lettersOf[hold.cause]) setAttr(this.#letters, "href", `#/letters?reason=${lettersOf[hold.cause]}${hold.code ? `&code=${encodeURIComponent(hold.code)}` : ""}`);
    setText(this.#words, hold.words ? t("hold.words", { words: hold.words }) : "");
    const advice = said(hold.adviceSaid, hold.advice);
    setText(this.#advice, advice ? t("hold.advice", { advice }) : "");
  }
}
