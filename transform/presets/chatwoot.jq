# Chatwoot webhooks: a contact, or the contact of a conversation or a message,
# https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks
# An agent is no lead: of a message, the sender counts when it is a contact.

def contact:
  if (.meta.sender? | type) == "object" then .meta.sender
  elif (.conversation.meta.sender? | type) == "object" then .conversation.meta.sender
  elif (.sender? | type) == "object" and (.sender.type? // "contact") == "contact" then .sender
  else . end;

if type != "object" or (.event | type) != "string" then .
else
  contact as $c
  | [ {key: "name", value: $c.name}, {key: "email", value: $c.email}, {key: "phone", value: $c.phone_number},
      {key: "comment", value: (if (.content | type) == "string" then .content else null end)},
      (($c.additional_attributes, $c.custom_attributes) | objects | to_entries[] | select(.value | type != "object" and type != "array")),
      {key: "event", value: .event}, {key: "contact id", value: $c.id}, {key: "inbox", value: .inbox.name?} ]
  | gather
end
