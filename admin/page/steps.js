// Each value's way: what came in, what it became, or why it could not be used.

import { el } from "./dom.js";
import { named, said, t } from "./lang.js";

// steps is the panel of a letter's contact.
export function steps(letter) {
  const rows = letter.steps ?? [];
  return el("section", { class: "panel steps", "aria-labelledby": "steps-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "steps-title" }, t(letter.contact ? "steps.contact" : "steps.no-contact")),
      el("span", { class: "quiet-text" }, t(letter.masked ? "letter.masked" : "letter.in-full"))),
    letter.rejected ? el("p", { class: "rejected" }, letter.rejected) : null,
    letter.mapped ? el("p", { class: "quiet-text" }, t("steps.mapped")) : null,
    rows.length > 0 ? table(rows) : el("p", { class: "nothing" }, t("steps.nothing")),
    letter.contact ? el("details", {}, el("summary", {}, t("steps.sent")), el("pre", { tabindex: "0", class: "sent" }, JSON.stringify(letter.contact, null, 2))) : null);
}

function table(rows) {
  return el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": t("steps.way") },
    el("table", {},
      el("thead", {}, el("tr", {}, ["in-event", "came", "", "is-sent", "outcome", "why"].map((name) => (name
        ? el("th", { scope: "col" }, t(`steps.${name}`))
        : el("td", { "aria-hidden": "true" }))))),
      el("tbody", {}, rows.map(row))));
}

function row({ field, key, input, value, outcome, why, whySaid }) {
  return el("tr", { "data-outcome": outcome },
    el("th", { scope: "row" }, key || "–"),
    el("td", { class: "step-input" }, text(input)),
    el("td", { class: "step-arrow", "aria-hidden": "true" }, "→"),
    el("td", { class: "step-value" }, el("span", { class: "step-field" }, field || "comments"), " ", value ? text(value) : ""),
    el("td", {}, el("span", { class: "outcome", "data-outcome": outcome }, named("outcome", outcome))),
    el("td", { class: "step-why" }, said(whySaid, why)));
}

function text(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
