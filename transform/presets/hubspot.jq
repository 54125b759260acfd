# HubSpot forms, in each of the shapes that carry a submission:
# - what a form sends (fields, context), and what the form's event in the page holds (a list of name and value):
#   https://developers.hubspot.com/docs/api-reference/legacy/marketing/forms/v3-legacy/submit-data-unauthenticated
# - a submission as it is read back (values, pageUrl):
#   https://developers.hubspot.com/docs/api-reference/legacy/marketing/forms/v1/get-form-integrations-v1-submissions-forms-form_guid
# - the contact that a workflow posts after a form was sent (properties):
#   https://knowledge.hubspot.com/workflows/how-do-i-use-webhooks-with-hubspot-workflows

# Fields of a company (object type 0-2) are not the person's.
def field_key:
  if .objectTypeId == "0-2" then (if .name == "name" then "company" else "company \(.name)" end)
  else .name | lead_key end;

def answers: .[] | objects | {key: field_key, value};

if type == "array" then [answers] | gather
elif (.properties | type) == "object" then
  [ (.properties | to_entries[]
      | select(.key | startswith("hs_") | not) # computed by HubSpot, some hundred of them
      | .value |= (if type == "object" then .value else . end)),
    (."form-submissions" | arrays | .[-1:][] | objects | {key: "form", value: .title}, {key: "page", value: ."page-url"}),
    (to_entries[] | select(.value | type != "object" and type != "array")) ]
  | gather
else
  (.fields // .values // .data) as $answers
  | if ($answers | type) != "array" then .
    else
      [ ($answers | answers),
        entries_of("context"),
        (del(.fields, .values, .data, .context) | to_entries[]) ]
      | gather
    end
end
