# Calendly webhooks: an invitee, https://developer.calendly.com/api-docs/webhook-payloads
# or the answers to a routing form.

(if (.payload | type) == "object" then .payload else . end) as $p
| if ($p | type) != "object" or ($p | has("email") or has("questions_and_answers") | not) then .
  else
    [ {key: "email", value: $p.email},
      (if ($p.first_name // "") != "" then {key: "firstName", value: $p.first_name}, {key: "lastName", value: $p.last_name}
       else {key: "name", value: $p.name} end),
      {key: "phone", value: $p.text_reminder_number},
      ($p.questions_and_answers | arrays | .[] | objects | {key: (.question // "answer" | lead_key), value: .answer}),
      ($p.tracking | objects | to_entries[]),
      {key: "meeting", value: $p.scheduled_event.name?},
      {key: "time", value: $p.scheduled_event.start_time?},
      ($p | del(.email, .name, .first_name, .last_name, .text_reminder_number) | to_entries[] | select(.value | type != "object" and type != "array")) ]
    | gather
  end
