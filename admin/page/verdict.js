// The answer to the first question: is it delivering, and if not, what holds it, since
// when, and what to do. Its place has a fixed height, so that nothing below it moves.

import { probe, releaseFlood } from "./api.js";
import { el, replace, setAttr, setText, svg } from "./dom.js";
import { lasting, moment, parse, plural } from "./format.js";

const words = {
  starting: ["Starting", "The service is joining its group and asking the portal."],
  rebalancing: ["No partition", "The group assigns its partitions anew; this process has none now."],
  delivering: ["Delivering", "Nothing holds it. Nothing to do."],
  throttled: ["Throttled", "The CRM asked for a pause; delivery resumes by itself."],
  held: ["Held", "Delivery pauses on purpose. Nothing is dropped, no attempt is counted."],
  draining: ["Stopping", "It finishes what is in flight and takes nothing new."],
};

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
  #text = el("p", { class: "verdict-text" }, "Asking the service.");
  #facts = el("p", { class: "verdict-facts" });
  #shown = new Map(); // by cause
  #waits = new Map(); // by why
  #none = el("li", { class: "hold none" }, "Nothing holds the delivery.");
  #list = el("ol", {}, this.#none);
  #said = el("p", { class: "acts-said", role: "status" });
  #probe = el("button", { type: "button", class: "small", id: "probe", "data-needs": "act", onclick: () => this.#act(this.#probe, probe, () => "The CRM is tried now.") }, "Probe now");
  #release = el("button", { type: "button", class: "small", id: "release-flood", "data-needs": "act", onclick: () => this.#releaseFlood() }, "Write these letters…");
  #acts = el("div", { class: "acts" }, this.#probe, this.#release, this.#said);
  #more = new Facts();

  constructor() {
    this.root = el("section", { class: "verdict", "data-state": "unknown", "aria-labelledby": "verdict-title" },
      el("h1", { id: "verdict-title", class: "unseen" }, "Is it delivering?"),
      el("div", { class: "verdict-left" },
        el("p", { class: "verdict-line", role: "status" },
          svg("svg", { viewBox: "0 0 24 24", width: 32, height: 32, "aria-hidden": "true" }, this.#icon), this.#word),
        this.#text, this.#facts),
      el("div", { class: "verdict-right", tabindex: "0", role: "region", "aria-label": "What holds it, and what to do" }, this.#list, this.#acts, this.#more.root));
  }

  update(state, now) {
    const [word, text] = words[state.state] ?? [state.state, ""];
    setAttr(this.root, "data-state", state.state);
    setAttr(this.#icon, "d", shapes[state.state] ?? "");
    setText(this.#word, word);
    const waiting = state.waiting ?? [];
    const calm = waiting.length === 0 && state.lag !== null && state.lag !== undefined;
    setAttr(this.root, "data-calm", calm ? "yes" : "no");
    setText(this.#text, state.reason || (state.state === "delivering" ? delivering(state, waiting) : byCause(state) ?? text));
    const started = parse(state.started);
    const health = state.healthy ? (state.ready ? "ready" : "not ready") : "not healthy";
    setText(this.#facts, `${health}; started ${started ? `${moment(started, now)}, ${lasting((now - started) / 1000)} ago` : "at an unknown time"}`);
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
      setText(this.#release, "These refusals are right: write them");
      setText(this.#said, "Press again to have all these letters written.");
      return;
    }
    this.#act(this.#release, releaseFlood, ({ letters }) => (letters > 0 ? `${plural(letters, "letter")} written.` : "No event waits as refused in a flood."));
  }

  async #act(button, ask, say) {
    button.disabled = true;
    try {
      setText(this.#said, say(await ask()));
    } catch (err) {
      setText(this.#said, `It was not done: ${err.message}`);
    }
    button.disabled = false;
    delete this.#release.dataset.sure;
    setText(this.#release, "Write these letters…");
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
  if (waiting.length > 0) return "Events wait: what for, how many and until when stands beside.";
  if (state.lag === null || state.lag === undefined) return "How many events wait is not known yet.";
  const partitions = state.partitions ?? [];
  if (partitions.length > 0 && !partitions.some((p) => p.owner === "this")) return "This process has no partition: other replicas have them all.";
  return words.delivering[1];
}

// tried reports whether a probe by hand would do something: the CRM holds creates, or some back off.
function tried(state, waiting) {
  const crm = ["preparing", "credentials", "outage", "throttle", "origin_field", "match"];
  return (state.holds ?? []).some((hold) => crm.includes(hold.cause)) || waiting.some((w) => w.why === "backoff");
}

// byCause says what a hold is that is not of the service's own choice.
function byCause(state) {
  const kafka = (state.holds ?? []).some((hold) => hold.cause === "brokers");
  return state.state === "held" && kafka ? "It waits for Kafka: without brokers nothing can be read or noted as done." : undefined;
}

// Facts are further facts about this process.
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
    setText(this.#title, known ? `${plural(w.events, "event waits", "events wait")}` : "Events wait, it is not known how many");
    setText(this.#since, since ? `The oldest since ${moment(since, now)}, for ${lasting((now - since) / 1000)}` : "");
    setText(this.#until, until ? (until > now ? `Until ${moment(until, now)}` : "Tried again now") : "");
    setText(this.#text, `For: ${w.text}`);
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
  #letters = el("a", { class: "hold-letters", hidden: true }, "Its letters");

  constructor() {
    this.root = el("li", { class: "hold" },
      el("p", { class: "hold-line" }, this.#title, this.#answer),
      el("p", { class: "hold-times" }, this.#since, this.#probe, this.#letters),
      this.#words, this.#advice);
  }

  update(hold, now) {
    const since = parse(hold.since);
    const until = parse(hold.until);
    setText(this.#title, hold.title || hold.cause);
    setText(this.#answer, [hold.status || "", hold.code || ""].filter(Boolean).join(" "));
    setText(this.#since, since ? `Since ${moment(since, now)}, for ${lasting((now - since) / 1000)}` : "");
    setText(this.#probe, until ? (until > now ? `Next probe in ${lasting((until - now) / 1000 + 1)}` : "Probing now") : "");
    this.#letters.hidden = !lettersOf[hold.cause];
    if (lettersOf[hold.cause]) setAttr(this.#letters, "href", `#/letters?reason=${lettersOf[hold.cause]}${hold.code ? `&code=${encodeURIComponent(hold.code)}` : ""}`);
    setText(this.#words, hold.words ? `The CRM says: ${hold.words}` : "");
    setText(this.#advice, hold.advice ? `To do: ${hold.advice}` : "");
  }
}
