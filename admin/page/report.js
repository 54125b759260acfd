// What a replay did, or would do.

import { el } from "./dom.js";
import { count, plural } from "./format.js";
import { nameOf } from "./reasons.js";

const shownLeft = 200; // letters that are left, at most, one a line

// Why a letter is left where it is, in words.
const whys = {
  MAX_REPLAYS: "replayed as often as is allowed",
  NO_LETTER: "does not say where it came from",
  OTHER_TOPIC: "came from another topic",
  VALUE_GONE: "its value is gone from the topic",
  EDIT_FAILED: "the edit fails on it",
  WRITE_REFUSED: "the topic does not accept it",
  LETTER_EXPIRED: "deleted meanwhile by retention",
};

// report is what a dialog shows of a report.
export function report(it) {
  const notes = [
    it.edited > 0 ? `${plural(it.edited, "value")} ${it.dryRun ? "would be changed" : "changed"}` : null,
    it.already > 0 ? `${plural(it.already, "letter")} replayed before, left as they are` : null,
  ].filter(Boolean);
  return [
    el("table", { class: "routes" },
      el("caption", {}, it.dryRun ? "What would go where" : "What went where"),
      el("thead", {}, el("tr", {}, ["Reason", "Goes to", "Letters"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, (it.routes ?? []).map((route) => el("tr", {},
        el("th", { scope: "row" }, nameOf(route.reason)), el("td", {}, `${route.topic}, partition ${route.partition}`), el("td", {}, count(route.letters)))))),
    notes.length > 0 ? el("p", {}, `${notes.join("; ")}.`) : null,
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
  if (n === 0) return el("p", { id: "rejected" }, `Of ${sent === 1 ? "it" : "each"} a contact can be built. What the CRM will say to it is not known before.`);
  return el("section", { class: "left", id: "rejected", "aria-label": "Rejected again" },
    el("h3", {}, `${count(n)} of them would be rejected again, before the CRM is asked`),
    el("ul", { class: "scroll", tabindex: "0", role: "list" }, groups.slice(0, shownLeft).map((group) => el("li", {},
      el("strong", {}, plural(group.letters, "letter")), ` ${nameOf(group.reason)}: ${group.message || "for other causes"}; such as `, el("span", { class: "code" }, group.place)))));
}

function left(letters) {
  if (letters.length === 0) return null;
  const more = letters.length - shownLeft;
  return el("section", { class: "left", "aria-label": "Left where they are" },
    el("h3", {}, `Left where they are: ${plural(letters.length, "letter")}`),
    el("ul", { class: "scroll", tabindex: "0", role: "list" }, letters.slice(0, shownLeft).map((letter) => el("li", {},
      el("span", { class: "code" }, letter.place), ` ${whys[letter.why] ?? letter.why}`, letter.message ? `: ${letter.message}` : ""))),
    more > 0 ? el("p", {}, `and ${plural(more, "more letter")}`) : null);
}
