// The reasons of dead letters, in the order in which they are shown everywhere.

const known = {
  CRM_REFUSED: "the CRM does not accept such a contact",
  MANY_MATCHES: "several contacts may be its person",
  RETRIES_EXHAUSTED: "it fails every time while others pass",
  NO_CONTACT_POINT: "no usable phone or e-mail",
  MALFORMED_EVENT: "not a JSON object",
  MAPPING_FAILED: "the mapping program failed on it",
  TOO_LARGE: "too large for Kafka or the CRM",
  PROCESSING_FAILED: "a bug in leadbridge",
};

export const reasons = Object.keys(known);

// nameOf is a reason as it is shown; records of others in the topic have none.
export const nameOf = (reason) => reason || "no reason given";

export const meaningOf = (reason) => known[reason] ?? (reason ? "a reason that this version does not know" : "not a letter of leadbridge");
