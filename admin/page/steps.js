// Each value's way: what came in, what it became, or why it could not be used.

import { el } from "./dom.js";

const outcomes = {
  kept: "as it came", normalised: "normalised", "to comments": "to comments", unusable: "unusable", default: "default",
};

// steps is the panel of a letter's contact.
export function steps(letter) {
  const rows = letter.steps ?? [];
  return el("section", { class: "panel steps", "aria-labelledby": "steps-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "steps-title" }, letter.contact ? "The contact built from it" : "No contact is built from it"),
      el("span", { class: "quiet-text" }, letter.masked ? "masked" : "in full")),
    letter.rejected ? el("p", { class: "rejected" }, letter.rejected) : null,
    letter.mapped ? el("p", { class: "quiet-text" }, "The way begins at what the mapping program made of the event.") : null,
    rows.length > 0 ? table(rows) : el("p", { class: "nothing" }, "No value could be read from this event."),
    letter.contact ? el("details", {}, el("summary", {}, "As it is sent to the CRM"), el("pre", { tabindex: "0", class: "sent" }, JSON.stringify(letter.contact, null, 2))) : null);
}

function table(rows) {
  return el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Each value’s way" },
    el("table", {},
      el("thead", {}, el("tr", {}, ["In the event", "Came as", "", "Is sent as", "Outcome", "Why"].map((title) => (title
        ? el("th", { scope: "col" }, title)
        : el("td", { "aria-hidden": "true" }))))),
      el("tbody", {}, rows.map(row))));
}

function row({ field, key, input, value, outcome, why }) {
  return el("tr", { "data-outcome": outcome },
    el("th", { scope: "row" }, key || "–"),
    el("td", { class: "step-input" }, text(input)),
    el("td", { class: "step-arrow", "aria-hidden": "true" }, "→"),
    el("td", { class: "step-value" }, el("span", { class: "step-field" }, field || "comments"), " ", value ? text(value) : ""),
    el("td", {}, el("span", { class: "outcome", "data-outcome": outcome }, outcomes[outcome] ?? outcome)),
    el("td", { class: "step-why" }, why || ""));
}

function text(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
