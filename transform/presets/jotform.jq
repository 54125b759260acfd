# Jotform: the webhook's fields, with the answers as JSON text in rawRequest,
# https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/
# or a submission of the API, with answers under their numbers, https://api.jotform.com/docs/

# q3_fullName3 is the field fullName with the number 3.
def question:
  (capture("^q(?<n>[0-9]+)_(?<name>.+)$") // null) as $q
  | if $q == null then . else ($q.n as $n | $q.name | rtrimstr($n) | if . == "" then $q.name else . end) end;

def phone_text:
  .full // ([.country, .area, .phone] | map(select(. != null and . != "") | tostring)
    | if length == 3 and (.[0] | startswith("+") | not) then .[0] = "+" + .[0] else . end | join(" "));

def date_text: [.year, .month, .day] | map(tostring) | join("-");

# The entries of an answer: names and phones of several inputs become one.
def entries($key; $value):
  if ($value | type) != "object" then {key: $key, value: $value}
  elif ($value | has("first") or has("last")) and ($key | asks_for_field) then
    {key: "firstName", value: $value.first}, {key: "secondName", value: $value.middle}, {key: "lastName", value: $value.last},
    ($value | del(.first, .middle, .last) | to_entries[] | .key |= "name \(.)")
  elif $value | has("full") or (has("area") and has("phone")) then {key: $key, value: ($value | phone_text)}
  elif $value | has("year") and has("month") and has("day") then {key: $key, value: ($value | date_text)}
  else {key: $key, value: $value} end;

# What Jotform's script says about itself and the browser.
def is_technical: IN("slug", "jsExecutionTracker", "submitSource", "submitDate", "buildDate", "uploadServerUrl", "eventObserver",
  "event_id", "timeToSubmit", "validatedNewRequiredFieldIDs", "path", "preview", "temp_upload", "file_server", "target_env",
  "enterprise_server", "simple_spc", "website");

def raw: .rawRequest | if type == "string" then (fromjson? // null) else . end;

def answer_key:
  if .type == "control_email" then "email"
  elif .type == "control_phone" then "phone"
  elif .type == "control_fullname" then "name"
  else .name as $name | .text // $name | lead_key($name) end;

(if (.content | type) == "object" then .content else . end) as $s
| (if ($s | type) == "object" then $s | raw else null end) as $raw
| if ($raw | type) == "object" then
    [ ($raw | to_entries[] | select(.key | is_technical | not) | entries(.key | question | lead_key; .value)),
      {key: "form", value: $s.formTitle},
      # pretty repeats the answers; webhookURL is ours and may hold a secret.
      ($s | del(.rawRequest, .pretty, .formTitle, .webhookURL) | to_entries[]) ]
    | gather
  elif ($s.answers? | type) == "object" then
    [ ($s.answers | to_entries[] | .value | objects | . as $a
        | if .type == "control_fullname" and (.answer | type) == "object" then entries("name"; .answer)
          else entries($a | answer_key; $a.answer) end),
      ($s | del(.answers) | to_entries[]) ]
    | gather
  else . end
