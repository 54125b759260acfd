# Elementor Pro forms, action Webhook: plain (labels and values), or with
# "Advanced Data" (form, fields, meta), nested or as keys such as fields[email][value].
# https://developers.elementor.com/docs/form-actions/
# the shapes: https://github.com/elementor/elementor/issues/8015, https://github.com/elementor/elementor/issues/6064

def unbracketed:
  reduce to_entries[] as $e ({};
    if $e.key | test("^(?:fields|form_fields|form|meta)\\[") then
      (setpath([$e.key | scan("[^\\[\\]]+")]; $e.value)? // .[$e.key] = $e.value)
    else .[$e.key] = $e.value end);

def field($id):
  {key: (if .type == "email" then "email" elif .type == "tel" then "phone" else (.title // "") | lead_key($id) end),
   value: (if .value == null or .value == "" then .raw_value else .value end)};

# A field without a label is sent as "No Label field_id".
def plain_key: ltrimstr("No Label ") | lead_key;

unbracketed
| if (.fields | type) == "object" then
    [ (.fields | to_entries[] | .key as $id | .value | objects | field($id)),
      (.meta // {} | objects | to_entries[] | select(.key != "credit") | {key: (.value.title? // .key), value: (.value.value? // null)}),
      {key: "form", value: .form.name?},
      {key: "form_id", value: .form.id?},
      (del(.fields, .form, .meta) | to_entries[]) ]
    | gather
  else
    [ (.form_fields // {} | objects | to_entries[] | .key |= lead_key),
      (del(.form_fields) | to_entries[] | select(.key != "Powered by")
        | if .key == "form_name" then .key = "form" else .key |= plain_key end) ]
    | gather
  end
