// What is done to the values before they are replayed: nothing, an edit of one, or a jq
// program for all; and how fast they go. Beside an edit it shows what that makes of the letter.

import { el, setText, uniqueId } from "./dom.js";
import { t } from "./lang.js";
import { compact, indent } from "./json.js";
import { Preview } from "./preview.js";

// Change is a form. submit is called by Ctrl+Enter in its fields.
export class Change {
  #place;
  #choices = new Map();
  #value = this.#area("edit-value", t("change.value"), 10);
  #jq = this.#area("edit-jq", t("change.jq"), 5);
  #rate = el("input", { type: "number", id: "rate", min: 1, max: 1000, value: 25, inputmode: "numeric" });
  #submit;
  #preview = null; // of one letter

  constructor({ place, value = null, editable = false }, submit) {
    this.#place = place;
    this.#submit = submit;
    const name = uniqueId("change");
    const choices = [["as-is", t(place ? "change.as-it-is" : "change.as-they-are")]];
    if (place && value !== null) choices.push(["value", t("change.edited")]);
    if (editable || !place) choices.push(["jq", t("change.by-jq")]);
    if (place && value !== null) this.#preview = new Preview(place, () => this.#edit());
    this.root = el("form", { class: "change", onsubmit: (event) => event.preventDefault(), onkeydown: (event) => this.#key(event) },
      el("fieldset", {}, el("legend", {}, t("change.what")), choices.map(([id, title]) => this.#choice(name, id, title))),
      this.#value.root, this.#jq.root,
      el("label", { class: "rate", for: "rate" }, `${t("change.rate")} `, this.#rate, el("span", { class: "help" }, t("change.rate-help"))),
      this.#preview?.root);
    if (value !== null) this.#value.input.value = indent(value);
    this.#choose(value === null ? "as-is" : "value");
  }

  // close forgets the values.
  close() { this.#preview?.close(); }

  focus() {
    const field = { value: this.#value.input, jq: this.#jq.input }[this.#chosen] ?? this.#choices.get("as-is");
    field.focus();
  }

  // valid says what is wrong beside the field, if anything is.
  valid() {
    const faults = { value: () => jsonFault(this.#value.input.value), jq: () => (this.#jq.input.value.trim() ? "" : t("change.no-program", { example: '.phone = "+79161234567"' })) };
    const fault = faults[this.#chosen]?.() ?? "";
    if (this.#chosen !== "as-is") this.#blameField(this.#chosen, fault);
    if (!fault && !this.#rate.checkValidity()) {
      this.#rate.reportValidity();
      return false;
    }
    return fault === "";
  }

  // blame shows the server's fault beside the field that it names.
  blame(problem) {
    if (problem.field !== this.#chosen) return false;
    this.#blameField(problem.field, problem.message);
    return true;
  }

  // order is the part of the request that says what is sent.
  order() {
    const rate = Number(this.#rate.value);
    if (this.#chosen === "value") return { rate, edit: { place: this.#place, value: compact(this.#value.input.value) } };
    if (this.#chosen === "jq") return { rate, jq: this.#jq.input.value };
    return { rate };
  }

  // #edit is what a preview is asked for; null while there is nothing to try.
  #edit() {
    if (this.#chosen === "value") return jsonFault(this.#value.input.value) ? null : { value: compact(this.#value.input.value) };
    if (this.#chosen === "jq" && this.#jq.input.value.trim()) return { jq: this.#jq.input.value };
    return {};
  }

  get #chosen() { return [...this.#choices].find(([, radio]) => radio.checked)?.[0]; }

  #choice(name, id, title) {
    const radio = el("input", { type: "radio", name, value: id, onchange: () => this.#choose(id) });
    this.#choices.set(id, radio);
    return el("label", { class: "check" }, radio, title);
  }

  #choose(id) {
    this.#choices.get(id).checked = true;
    this.#value.root.hidden = id !== "value";
    this.#jq.root.hidden = id !== "jq";
    this.#preview?.changed(true);
  }

  #area(id, title, rows) {
    const fault = el("p", { class: "fault", id: `${id}-fault`, role: "alert" });
    const input = el("textarea", { id, rows, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-fault`, oninput: () => this.#checkSoon(id) });
    return { root: el("div", { class: "area" }, el("label", { for: id }, title), input, fault), input, fault, timer: 0 };
  }

  #checkSoon(id) {
    const area = id === "edit-value" ? this.#value : this.#jq;
    this.#preview?.changed();
    clearTimeout(area.timer);
    area.timer = setTimeout(() => this.#blameField(id === "edit-value" ? "value" : "jq", id === "edit-value" ? jsonFault(area.input.value) : ""), 300);
  }

  #blameField(name, words) {
    const area = name === "value" ? this.#value : this.#jq;
    setText(area.fault, words);
    area.input.setAttribute("aria-invalid", String(words !== ""));
  }

  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#submit();
    }
  }
}

// jsonFault says why a text is not a JSON object, or an empty text.
function jsonFault(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? "" : t("change.no-object");
  } catch (err) {
    return t("change.no-json", { error: err.message });
  }
}
