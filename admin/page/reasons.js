// The reasons of dead letters, in the order in which they are shown everywhere.

const known = {
  CRM_REFUSED: "the CRM does not take such a contact",
  RETRIES_EXHAUSTED: "it fails every time while others pass",
  NO_CONTACT_POINT: "no usable phone or e-mail",
  MALFORMED_EVENT: "no JSON object",
  MAPPING_FAILED: "the mapping program failed on it",
  TOO_LARGE: "too large for Kafka or the CRM",
  PROCESSING_FAILED: "a fault of leadbridge",
};

export const reasons = Object.keys(known);

// nameOf is a reason as it is shown; records of others in the topic have none.
export const nameOf = (reason) => reason || "no reason given";

export const meaningOf = (reason) => known[reason] ?? (reason ? "a reason that this version does not know" : "no letter of leadbridge");
