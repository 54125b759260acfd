// What a replay did, or would do.

import { el } from "./dom.js";
import { count } from "./format.js";
import { named, t } from "./lang.js";
import { nameOf } from "./reasons.js";

const shownLeft = 200; // letters that are left, at most, one a line

// report is what a dialog shows of a report.
export function report(it) {
  const notes = [
    it.edited > 0 ? t(it.dryRun ? "report.would-change" : "report.changed", { values: t("n.values", { n: it.edited }) }) : null,
    it.already > 0 ? t("report.already", { letters: t("n.letters", { n: it.already }) }) : null,
  ].filter(Boolean);
  return [
    el("table", { class: "routes" },
      el("caption", {}, t(it.dryRun ? "report.would" : "report.went")),
      el("thead", {}, el("tr", {}, ["reason", "to", "letters"].map((name) => el("th", { scope: "col" }, t(`report.${name}`))))),
      el("tbody", {}, (it.routes ?? []).map((route) => el("tr", {},
        el("th", { scope: "row" }, nameOf(route.reason)), el("td", {}, t("report.place", { topic: route.topic, partition: String(route.partition) })), el("td", {}, count(route.letters)))))),
    notes.length > 0 ? el("p", {}, t("report.sentence", { notes: notes.join("; ") })) : null,
    it.dryRun ? rejected(it) : null,
    left(it.left ?? []),
  ];
}

// rejected says of how many events nothing could be built, and why. What the CRM itself will say is not known.
function rejected(it) {
  const groups = it.rejected ?? [];
  const n = groups.reduce((sum, { letters }) => sum + letters, 0);
  const sent = it.letters - (it.left ?? []).length;
  if (sent === 0) return null;
  if (n === 0) return el("p", { id: "rejected" }, t(sent === 1 ? "report.one-can" : "report.each-can"));
  return el("section", { class: "left", id: "rejected", "aria-label": t("report.rejected") },
    el("h3", {}, t("report.rejected-n", { n })),
    el("ul", { class: "scroll", tabindex: "0", role: "list" }, groups.slice(0, shownLeft).map((group) => el("li", {},
      el("strong", {}, t("n.letters", { n: group.letters })), ` ${nameOf(group.reason)}: ${group.message || t("report.other-causes")}; ${t("report.such-as")} `, el("span", { class: "code" }, group.place)))));
}

function left(letters) {
  if (letters.length === 0) return null;
  const more = letters.length - shownLeft;
  return el("section", { class: "left", "aria-label": t("report.left") },
    el("h3", {}, t("report.left-n", { letters: t("n.letters", { n: letters.length }) })),
    el("ul", { class: "scroll", tabindex: "0", role: "list" }, letters.slice(0, shownLeft).map((letter) => el("li", {},
      el("span", { class: "code" }, letter.place), ` ${named("left", letter.why)}`, letter.message ? `: ${letter.message}` : ""))),
    more > 0 ? el("p", {}, t("report.more", { n: more })) : null);
}
