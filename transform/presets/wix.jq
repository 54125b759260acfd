# Wix webhooks: the claims of their token hold JSON as text in JSON as text,
# https://dev.wix.com/docs/rest/articles/get-started/webhook-structure
# Of contacts and of form submissions; other events pass as they are.

def decoded: if type == "string" then (fromjson? // .) else . end;
def event: (.data | decoded) as $outer | if ($outer | type) == "object" then ($outer.data | decoded) else null end;
def entity: .createdEvent.entity? // .updatedEvent.currentEntity? // .actionEvent.body?;
def primary_first: (map(select(.primary == true)) + map(select(.primary != true)))[];

# email_a1b2 is the field email.
def field: sub("_[0-9a-f]{4}$"; "") | lead_key;

(if type == "object" then event else null end) as $event
| (if ($event | type) == "object" then $event | entity | decoded else null end) as $e
| if ($e | type) != "object" then .
  elif ($e.submissions | type) == "object" then
    [ ($e.submissions | to_entries[] | .key |= field), {key: "form", value: $e.formId}, {key: "submission", value: $e.id} ] | gather
  elif ($e.info | type) == "object" then
    [ {key: "firstName", value: $e.info.name.first?}, {key: "lastName", value: $e.info.name.last?},
      ($e.info.emails.items? | arrays | map(objects) | primary_first | {key: "email", value: .email}),
      ($e.info.phones.items? | arrays | map(objects) | primary_first | {key: "phone", value: (.e164Phone // .phone)}),
      {key: "company", value: $e.info.company?}, {key: "job title", value: $e.info.jobTitle?}, {key: "contact id", value: $e.id} ]
    | gather
  else $e end
