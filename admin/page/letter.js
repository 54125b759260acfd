// One letter in full: the event, the CRM's answer beside it, the contact that was built
// from it and each value's way. Values are masked until they are asked for.

import { closeLetters, eraseLetter, find, letter as fetchLetter, reveal } from "./api.js";
import { el, replace, setText } from "./dom.js";
import { date, parse, plural } from "./format.js";
import { indent } from "./json.js";
import { meaningOf, nameOf } from "./reasons.js";
import { steps } from "./steps.js";

export class LetterView {
  title = "Dead letter";
  #place = "";
  #row = -1;
  #letter = null;
  #loading = new AbortController();
  #back;
  #around;
  #replay;
  #body = el("div", { class: "letter-body" });
  #said = el("p", { class: "letter-said", role: "status" });
  #heading = el("h1", { tabindex: "-1", id: "letter-title" }, "Dead letter");
  #reveal = el("button", { type: "button", id: "reveal", "data-needs": "reveal", onclick: () => this.#toggle() }, "Reveal values");
  #find = el("button", { type: "button", id: "find", onclick: () => this.#look() }, "Look in the CRM");
  #edit = el("button", { type: "button", id: "edit", "data-needs": "act", onclick: () => this.#startEdit() }, "Edit…");
  #again = el("button", { type: "button", id: "replay", "data-needs": "act", class: "primary", onclick: () => this.#startReplay(null) }, "Replay…");
  #word = el("input", { type: "text", id: "close-word", "data-needs": "act", maxlength: "200", autocomplete: "off", placeholder: "Why nothing is to be done", "aria-label": "Why nothing is to be done" });
  #close = el("button", { type: "button", id: "close-letter", "data-needs": "act", onclick: () => this.#closeIt() }, "Close");
  #erase = el("button", { type: "button", id: "erase", "data-needs": "act", onclick: () => this.#eraseIt() }, "Erase…");
  #sure = false;
  #before = el("a", { class: "button", id: "before" }, "Newer");
  #after = el("a", { class: "button", id: "after" }, "Older");
  #card = el("p", { class: "card-found", role: "status", id: "card" });

  // back is the address of the list; around(row) gives the neighbours; replay starts one.
  constructor({ back, around, replay }) {
    this.#back = back;
    this.#around = around;
    this.#replay = replay;
    this.root = el("article", { class: "letter", "aria-labelledby": "letter-title" },
      el("nav", { class: "letter-nav", "aria-label": "Letters" }, el("a", { href: "#/letters", id: "back", class: "button", onclick: (event) => this.#leave(event) }, "← All letters"), this.#before, this.#after),
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
    Object.assign(this, { title: `Letter ${place}` });
    this.#place = place;
    this.#row = row;
    this.#letter = null;
    setText(this.#heading, `Letter ${place}`);
    setText(this.#said, "Reading the letter");
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
      if (err.name !== "AbortError" && place === this.#place) setText(this.#said, `The letter cannot be shown: ${err.message}`);
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
    setText(this.#reveal, letter && !letter.masked ? "Mask values" : "Reveal values");
    this.#reveal.disabled = !letter;
    this.#find.disabled = !letter;
    const open = letter && ["open", "closed"].includes(letter.state);
    this.#edit.disabled = !open || !letter.editable;
    this.#again.disabled = !open;
    this.#close.disabled = this.#word.disabled = !letter || letter.state !== "open";
    this.#erase.disabled = !letter || letter.state === "erased" || !letter.eventId;
    this.#sure = false;
    setText(this.#erase, "Erase…");
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
      setText(this.#said, "Say in a word why nothing is to be done, then press Close.");
      this.#word.focus();
      return;
    }
    try {
      await closeLetters({ places: [this.#place] }, this.#word.value);
      this.#word.value = "";
      await this.reload();
      setText(this.#said, "Closed. A replay puts it back all the same.");
    } catch (err) {
      setText(this.#said, `It was not closed: ${err.message}`);
    }
  }

  // The first press says what would be forgotten, the second one forgets it.
  async #eraseIt() {
    try {
      const done = await eraseLetter(this.#place, !this.#sure);
      if (!this.#sure) {
        this.#sure = true;
        setText(this.#erase, "Erase for good");
        setText(this.#said, `This forgets ${plural(done.letters, "letter")} of this event and cannot be taken back; ${plural((done.remains ?? []).length, "record")} stay in Kafka until retention deletes them, and a contact in the CRM stays. Press again to erase.`);
        return;
      }
      await this.reload();
      setText(this.#said, `Erased. ${plural((done.remains ?? []).length, "record")} stay in Kafka until retention deletes them.`);
    } catch (err) {
      setText(this.#said, `It was not erased: ${err.message}`);
    }
  }

  async #look() {
    this.#find.disabled = true;
    replace(this.#card, "Looking in the CRM, within its budget…");
    const place = this.#place;
    try {
      const found = await find(place);
      if (place === this.#place) this.#showCard(found);
    } catch (err) {
      replace(this.#card, `The CRM could not be asked: ${err.message}`);
    }
    this.#find.disabled = false;
    this.#find.focus();
  }

  #showCard({ found, contactId, leadId, dealId, contactUrl, cardUrl, error }) {
    if (error) return replace(this.#card, `The CRM could not be asked: ${error}`);
    if (!found) return replace(this.#card, "No contact in the CRM carries this event’s id.");
    const url = cardUrl || contactUrl;
    const what = [contactId && `contact ${contactId}`, leadId && `lead ${leadId}`, dealId && `deal ${dealId}`].filter(Boolean).join(" with ");
    const safe = /^https?:\/\//i.test(url ?? "");
    return replace(this.#card, "It is in the CRM: ", safe
      ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer", id: "card-link" }, `${what}, its card`)
      : what);
  }

  #draw() {
    const letter = this.#letter;
    replace(this.#body,
      el("p", { class: "advice" }, el("strong", {}, "To do: "), letter.advice),
      this.#card,
      el("div", { class: "letter-pair" }, event(letter), this.#answer(letter)),
      steps(letter),
      el("div", { class: "letter-pair" }, origin(letter), headers(letter)));
  }

  #answer(letter) {
    const asked = letter.status > 0 || letter.code;
    const at = parse(letter.at);
    return el("section", { class: "panel", "aria-labelledby": "answer-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "answer-title" }, "The CRM’s answer"), el("span", { class: "state", "data-state": letter.state }, letter.state)),
      el("p", { class: "answer-words" }, asked ? [el("span", { class: "code" }, [letter.status || "", letter.code].filter(Boolean).join(" ")), " ", letter.message || "no words"] : (letter.message || "The CRM was not asked.")),
      facts([
        ["Reason", `${nameOf(letter.reason)}: ${meaningOf(letter.reason)}`],
        ["Became a letter", at ? date(at) : "unknown"],
        letter.state === "closed" ? ["Closed", letter.word || "without a word"] : null,
        ["Source", letter.source || "unknown"],
        ["Attempts", plural(letter.attempts ?? 0, "request")],
        ["Replays before", String(letter.replays ?? 0)],
      letter.copies > 1 ? ["Written", `${letter.copies} times, as a crash may do`] : null,
      ]));
  }
}

// facts is a list of names and values.
function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function event(letter) {
  const omitted = letter.valueOmitted;
  const text = omitted ? "The value was too large for a letter and was left out; the coordinates below say where it is." : (letter.value ?? "");
  return el("section", { class: "panel", "aria-labelledby": "event-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "event-title" }, "The event as received"), el("span", { class: "quiet-text" }, letter.masked ? "masked" : letter.valueBinary ? "bytes, in Base64" : "in full")),
    el("pre", { class: "event", tabindex: "0", id: "event-value" }, text === "" ? "(empty)" : indent(text)));
}

function origin(letter) {
  const from = letter.original ?? {};
  const at = parse(from.timestamp);
  return el("section", { class: "panel", "aria-labelledby": "origin-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "origin-title" }, "Where it came from")),
    facts([
      ["Topic", from.topic || "unknown"],
      ["Partition, offset", `${from.partition ?? "?"}, ${from.offset ?? "?"}`],
      ["Produced", at ? date(at) : "unknown"],
      ["Key", letter.key || "none"],
      ["Event id", letter.eventId || "none"],
      ["Letter", `partition ${letter.place.split(":")[0]}, offset ${letter.place.split(":")[1]}`],
    ]));
}

function headers(letter) {
  return el("section", { class: "panel", "aria-labelledby": "headers-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "headers-title" }, "Headers")),
    el("div", { class: "scroll headers", tabindex: "0", role: "region", "aria-labelledby": "headers-title" },
      el("table", {}, el("tbody", {}, (letter.headers ?? []).map(({ name, value }) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))));
}
