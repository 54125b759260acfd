# Shopify webhooks: a customer, an order or a checkout, https://shopify.dev/docs/api/webhooks
# Whom an order is sent to may be somebody else: of the addresses, only the one that is billed counts.

def first_of(f): [f | select(. != null and . != "")][0];

if type != "object" or (has("email") or has("customer") or has("phone") | not) then .
else
  . as $o
  | ([.customer | objects][0] // {}) as $c
  | ([(.billing_address, .default_address) | objects][0] // {}) as $a
  | [ {key: "firstName", value: first_of($o.first_name, $c.first_name, $a.first_name)},
      {key: "lastName", value: first_of($o.last_name, $c.last_name, $a.last_name)},
      {key: "email", value: first_of($o.email, $o.contact_email, $c.email)},
      {key: "phone", value: first_of($o.phone, $c.phone, $a.phone)},
      {key: "country", value: $a.country_code},
      {key: "city", value: $a.city},
      {key: "comment", value: $o.note},
      {key: "order", value: $o.name?},
      ($o.line_items | arrays | .[] | objects | {key: "item", value: "\(.title // .name) × \(.quantity // 1)"}),
      ($o.note_attributes | arrays | .[] | objects | {key: .name, value}),
      ($o | del(.first_name, .last_name, .email, .contact_email, .phone, .note, .name) | to_entries[] | select(.value | type != "object" and type != "array")) ]
  | gather
end
