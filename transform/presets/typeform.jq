# Typeform webhooks, https://www.typeform.com/developers/webhooks/example-payload/

def answer_value:
  .type as $type
  | if $type == "choice" then .choice.label // .choice.other
    elif $type == "choices" then (.choices.labels // []) + [.choices.other // empty] | one_or_all
    elif .[$type] == null then del(.type, .field)
    else .[$type] end;

(if (.form_response | type) == "object" then .form_response else . end) as $r
| if ($r.answers | type) != "array" then .
  else
    ([$r.definition // {} | .. | objects | select((.id | type) == "string" and (.title | type) == "string") | {key: .id, value: .title}]
      | from_entries) as $titles
    | [ ($r.answers[] | objects | ([.field | objects][0] // {}) as $field
          | {key: (if .type == "email" then "email"
                   elif .type == "phone_number" then "phone"
                   else ($titles[$field.id | strings] // null | lead_key($field.ref)) // $field.id // .type end),
             value: answer_value}),
        ($r | entries_of("hidden")),
        ($r.variables | arrays | .[] | objects | {key: "variable \(.key)", value: (.[.type | strings] // .text // .number)}),
        {key: "score", value: $r.calculated.score?},
        {key: "form", value: $r.definition.title?},
        ($r | to_entries[] | select(.value | type != "object" and type != "array")) ]
    | gather
  end
