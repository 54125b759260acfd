// One letter in full: the event, the CRM's answer beside it, the contact that was built
// from it and each value's way. Values are masked until they are asked for.

import { closeLetters, eraseLetter, find, letter as fetchLetter, reveal } from "./api.js";
import { cards } from "./cards.js";
import { el, replace, setText } from "./dom.js";
import { date, parse } from "./format.js";
import { named, said, t } from "./lang.js";
import { indent } from "./json.js";
import { meaningOf, nameOf } from "./reasons.js";
import { steps } from "./steps.js";

export class LetterView {
  title = t("letter.title");
  #place = "";
  #row = -1;
  #letter = null;
  #loading = new AbortController();
  #back;
  #around;
  #replay;
  #body = el("div", { class: "letter-body" });
  #said = el("p", { class: "letter-said", role: "status" });
  #heading = el("h1", { tabindex: "-1", id: "letter-title" }, t("letter.title"));
  #reveal = el("button", { type: "button", id: "reveal", "data-needs": "reveal", onclick: () => this.#toggle() }, t("letter.reveal"));
  #find = el("button", { type: "button", id: "find", onclick: () => this.#look() }, t("letter.find"));
  #edit = el("button", { type: "button", id: "edit", "data-needs": "act", onclick: () => this.#startEdit() }, t("letter.edit"));
  #again = el("button", { type: "button", id: "replay", "data-needs": "act", class: "primary", onclick: () => this.#startReplay(null) }, t("letter.replay"));
  #word = el("input", { type: "text", id: "close-word", "data-needs": "act", maxlength: "200", autocomplete: "off", placeholder: t("letter.word"), "aria-label": t("letter.word") });
  #close = el("button", { type: "button", id: "close-letter", "data-needs": "act", onclick: () => this.#closeIt() }, t("letter.close"));
  #erase = el("button", { type: "button", id: "erase", "data-needs": "act", onclick: () => this.#eraseIt() }, t("letter.erase"));
  #sure = false;
  #before = el("a", { class: "button", id: "before" }, t("letter.newer"));
  #after = el("a", { class: "button", id: "after" }, t("letter.older"));
  #card = el("p", { class: "card-found", role: "status", id: "card" });

  // back is the address of the list; around(row) gives the neighbours; replay starts one.
  constructor({ back, around, replay }) {
    this.#back = back;
    this.#around = around;
    this.#replay = replay;
    this.root = el("article", { class: "letter", "aria-labelledby": "letter-title" },
      el("nav", { class: "letter-nav", "aria-label": t("letter.nav") }, el("a", { href: "#/letters", id: "back", class: "button", onclick: (event) => this.#leave(event) }, t("letter.back")), this.#before, this.#after),
      el("div", { class: "letter-head" }, this.#heading, el("div", { class: "letter-tools" }, this.#reveal, this.#find, this.#erase, this.#word, this.#close, this.#edit, this.#again)),
      this.#said, this.#body);
  }

  #leave(event) {
    event.preventDefault();
    this.#back();
  }

  // show fetches a letter; row is its place in the list, or -1 when it was not opened there.
  async show(place, row) {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.title = t("letter.named", { place });
    this.#place = place;
    this.#row = row;
    this.#letter = null;
    setText(this.#heading, this.title);
    setText(this.#said, t("letter.reading"));
    setText(this.#card, "");
    replace(this.#body);
    this.#neighbours();
    this.#buttons();
    await this.#load(() => fetchLetter(place, this.#loading.signal));
  }

  focus() { this.#heading.focus(); }

  // reload reads it again, as after a replay.
  async reload() { await this.#load(() => fetchLetter(this.#place, this.#loading.signal)); }

  async #load(fetching) {
    const place = this.#place;
    try {
      const letter = await fetching();
      if (place !== this.#place) return;
      this.#letter = letter;
      setText(this.#said, "");
      this.#draw();
    } catch (err) {
      if (err.name !== "AbortError" && place === this.#place) setText(this.#said, t("letter.unshown", { error: err.message }));
    }
    this.#buttons();
  }

  #neighbours() {
    const { before, after } = this.#row < 0 ? {} : this.#around(this.#row);
    for (const [link, place, row] of [[this.#before, before, this.#row - 1], [this.#after, after, this.#row + 1]]) {
      link.toggleAttribute("aria-disabled", !place);
      if (place) link.setAttribute("href", `#/letters/${place}?row=${row}`);
      else link.removeAttribute("href");
    }
  }

  #buttons() {
    const letter = this.#letter;
    setText(this.#reveal, t(letter && !letter.masked ? "letter.mask" : "letter.reveal"));
    this.#reveal.disabled = !letter;
    this.#find.disabled = !letter;
    const open = letter && ["open", "closed"].includes(letter.state);
    this.#edit.disabled = !open || !letter.editable;
    this.#again.disabled = !open;
    this.#close.disabled = this.#word.disabled = !letter || letter.state !== "open";
    this.#erase.disabled = !letter || letter.state === "erased" || !letter.eventId;
    this.#sure = false;
    setText(this.#erase, t("letter.erase"));
  }

  async #toggle() {
    if (this.#letter.masked) await this.#load(() => reveal(this.#place));
    else await this.reload();
    this.#reveal.focus();
  }

  async #startEdit() {
    if (this.#letter.masked) await this.#load(() => reveal(this.#place));
    if (this.#letter && !this.#letter.masked) this.#startReplay(this.#letter.value);
  }

  #startReplay(value) { this.#replay({ places: [this.#place] }, { place: this.#place, value, editable: this.#letter.editable, opener: value === null ? this.#again : this.#edit }); }

  async #closeIt() {
    if (this.#word.value.trim() === "") {
      setText(this.#said, t("letter.say-word"));
      this.#word.focus();
      return;
    }
    try {
      await closeLetters({ places: [this.#place] }, this.#word.value);
      this.#word.value = "";
      await this.reload();
      setText(this.#said, t("letter.closed"));
    } catch (err) {
      setText(this.#said, t("letter.not-closed", { error: err.message }));
    }
  }

  // The first press says what would be forgotten, the second one forgets it.
  async #eraseIt() {
    try {
      const done = await eraseLetter(this.#place, !this.#sure);
      const records = t("n.records", { n: (done.remains ?? []).length });
      if (!this.#sure) {
        this.#sure = true;
        setText(this.#erase, t("letter.erase-sure"));
        setText(this.#said, t("letter.would-erase", { letters: t("n.letters", { n: done.letters }), records }));
        return;
      }
      await this.reload();
      setText(this.#said, t("letter.erased", { records }));
    } catch (err) {
      setText(this.#said, t("letter.not-erased", { error: err.message }));
    }
  }

  async #look() {
    this.#find.disabled = true;
    replace(this.#card, t("letter.looking"));
    const place = this.#place;
    try {
      const found = await find(place);
      if (place === this.#place) this.#showCard(found);
    } catch (err) {
      replace(this.#card, t("letter.not-asked", { error: err.message }));
    }
    this.#find.disabled = false;
    this.#find.focus();
  }

  #showCard(became) {
    const { found, error, errorSaid } = became;
    if (error) return replace(this.#card, t("letter.not-asked", { error: said(errorSaid, error) }));
    if (!found) return replace(this.#card, t("letter.not-found"));
    return replace(this.#card, `${t("letter.in-crm")} `, cards(became));
  }

  #draw() {
    const letter = this.#letter;
    replace(this.#body,
      el("p", { class: "advice" }, el("strong", {}, `${t("letter.advice")} `), said(letter.adviceSaid, letter.advice)),
      this.#card,
      el("div", { class: "letter-pair" }, event(letter), this.#answer(letter)),
      steps(letter),
      el("div", { class: "letter-pair" }, origin(letter), headers(letter)));
  }

  #answer(letter) {
    const asked = letter.status > 0 || letter.code;
    const at = parse(letter.at);
    return el("section", { class: "panel", "aria-labelledby": "answer-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "answer-title" }, t("letter.answer")), el("span", { class: "state", "data-state": letter.state }, named("letter-state", letter.state))),
      el("p", { class: "answer-words" }, asked ? [el("span", { class: "code" }, [letter.status || "", letter.code].filter(Boolean).join(" ")), " ", letter.message || t("letter.no-words")] : (letter.message || t("letter.not-asked-at-all"))),
      facts([
        [t("letter.reason"), t("letter.reason-is", { name: nameOf(letter.reason), meaning: meaningOf(letter.reason) })],
        [t("letter.became"), at ? date(at) : t("unknown")],
        letter.state === "closed" ? [t("letter.closed-fact"), letter.word || t("letter.no-word")] : null,
        [t("letter.source"), letter.source || t("unknown")],
        [t("letter.attempts"), t("n.requests", { n: letter.attempts ?? 0 })],
        [t("letter.replays"), String(letter.replays ?? 0)],
        letter.copies > 1 ? [t("letter.written"), t("letter.copies", { n: letter.copies })] : null,
      ]));
  }
}

// facts is a list of names and values.
function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function event(letter) {
  const omitted = letter.valueOmitted;
  const text = omitted ? t("letter.omitted") : (letter.value ?? "");
  return el("section", { class: "panel", "aria-labelledby": "event-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "event-title" }, t("letter.event")), el("span", { class: "quiet-text" }, t(letter.masked ? "letter.masked" : letter.valueBinary ? "letter.binary" : "letter.in-full"))),
    el("pre", { class: "event", tabindex: "0", id: "event-value" }, text === "" ? t("letter.empty") : indent(text)));
}

function origin(letter) {
  const from = letter.original ?? {};
  const at = parse(from.timestamp);
  return el("section", { class: "panel", "aria-labelledby": "origin-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "origin-title" }, t("letter.origin"))),
    facts([
      [t("letter.topic"), from.topic || t("unknown")],
      [t("letter.partition-offset"), `${from.partition ?? "?"}, ${from.offset ?? "?"}`],
      [t("letter.produced"), at ? date(at) : t("unknown")],
      [t("letter.key"), letter.key || t("none")],
      [t("letter.event-id"), letter.eventId || t("none")],
      [t("letter.place"), t("letter.place-is", { partition: letter.place.split(":")[0], offset: letter.place.split(":")[1] })],
    ]));
}

function headers(letter) {
  return el("section", { class: "panel", "aria-labelledby": "headers-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "headers-title" }, t("letter.headers"))),
    el("div", { class: "scroll headers", tabindex: "0", role: "region", "aria-labelledby": "headers-title" },
      el("table", {}, el("tbody", {}, (letter.headers ?? []).map(({ name, value }) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))));
}
