// The cards of the CRM that an event became.

import { el } from "./dom.js";
import { t } from "./lang.js";

// cards names what an event became, each as a link where its address is known, with commas between.
export function cards(e) {
  const made = [["card.lead", e.leadId, e.leadUrl], ["card.contact", e.contactId, e.contactUrl], ["card.deal", e.dealId, e.dealUrl]]
    .filter(([, id]) => id).map(([kind, id, url]) => card(t(kind, { id: String(id) }), url));
  return made.flatMap((one, i) => i === 0 ? [one] : [", ", one]);
}

function card(name, url) {
  return /^https?:\/\//i.test(url ?? "") ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "card-link" }, name) : name;
}
