// The reasons of dead letters, in the order in which they are shown everywhere.

import { named, t } from "./lang.js";

export const reasons = [
  "CRM_REFUSED", "MANY_MATCHES", "RETRIES_EXHAUSTED", "NO_CONTACT_POINT", "MALFORMED_EVENT", "MAPPING_FAILED", "TOO_LARGE", "PROCESSING_FAILED",
];

// nameOf is a reason as it is shown; records of others in the topic have none.
export const nameOf = (reason) => reason || t("reason.none");

export const meaningOf = (reason) => (reason ? named("reason", reason, t("reason.unknown")) : t("reason.not-ours"));
