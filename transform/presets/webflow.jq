# Webflow webhooks (form_submission): version 2 wraps the submission in payload,
# https://developers.webflow.com/data/reference/webhooks/events/form-submission
# version 1 does not, https://developers.webflow.com/data/v1.0.0/reference/form_submission

(if (.payload | type) == "object" then .payload else . end) as $p
| if ($p.data | type) != "object" then .
  else
    [ ($p.data | to_entries[] | .key |= lead_key),
      {key: "form", value: $p.name}, # the form's name, not the person's
      ($p | del(.data, .schema, .name) | to_entries[]) ]
    | gather
  end
