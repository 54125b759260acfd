# Tally webhooks (FORM_RESPONSE), https://tally.so/help/webhooks
# The type of a field tells e-mails and phones, its label the rest; choices are sent as ids of options.

def key:
  if .type == "INPUT_EMAIL" then "email"
  elif .type == "INPUT_PHONE_NUMBER" then "phone"
  else .label // .key | lead_key end;

# What the ids of options, rows and columns stand for.
def texts: [(.options, .rows, .columns) | arrays | .[] | objects | {key: (.id | tostring), value: (.text // .name // .id)}] | from_entries;

def shown($texts):
  if type == "array" then map(shown($texts)) | one_or_all
  elif type == "object" and has("url") then .url # a file
  elif type == "object" then [to_entries[] | "\($texts[.key] // .key): \(.value | shown($texts) | if type == "array" then join(", ") else . end)"] | one_or_all
  elif type == "string" then $texts[.] // .
  else . end;

(if (.data | type) == "object" then .data else . end) as $d
| if ($d.fields | type) != "array" then .
  else
    [ $d.fields[] | objects
      # Each box of a list of checkboxes is sent once more, by itself.
      | select((.type == "CHECKBOXES" and (.value | type) == "boolean") | not)
      | texts as $texts | {key: key, value: (.value | shown($texts))} ]
    + [{key: "form", value: $d.formName}, ($d | del(.fields, .formName) | to_entries[] | select(.value | type != "object" and type != "array"))]
    | gather
  end
