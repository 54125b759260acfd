# Clerk webhooks: a user, https://clerk.com/docs/guides/development/webhooks/overview
# Addresses and numbers are lists, of which one each is named as the primary one.

def primary_first($id): (map(select(.id == $id)) + map(select(.id != $id)))[];

(if (.data | type) == "object" then .data else . end) as $u
| if ($u | type) != "object" or (($u.email_addresses | type) != "array" and ($u.phone_numbers | type) != "array") then .
  else
    [ {key: "firstName", value: $u.first_name},
      {key: "lastName", value: $u.last_name},
      ($u.email_addresses | arrays | map(objects) | primary_first($u.primary_email_address_id) | {key: "email", value: .email_address}),
      ($u.phone_numbers | arrays | map(objects) | primary_first($u.primary_phone_number_id) | {key: "phone", value: .phone_number}),
      {key: "email", value: $u.email}, {key: "phone", value: $u.phone},
      {key: "username", value: $u.username},
      {key: "user id", value: $u.id},
      {key: "event", value: .type?} ]
    | gather
  end
