# Gravity Forms, add-on Webhooks, body "All Fields": an entry, whose fields have the numbers of the form,
# https://docs.gravityforms.com/entry-object/
# A name has the parts 3 (first), 4 (middle) and 6 (last); an address has the parts 1 and 5, too. Only what looks
# like nothing else is taken for an e-mail or a phone: for others, give the source a mapping.

def is_email: test("^[^@\\s,;<>]+@[^@\\s,;<>]+\\.[^@\\s,;<>]+$");
def is_phone: test("^\\+[0-9][0-9 ().-]{8,}$") or test("^(?:[78] ?)?\\([0-9]{3}\\) ?[0-9]{3}-[0-9]{2}-?[0-9]{2}$");
def numbered: test("^[0-9]+(?:\\.[0-9]+)?$");

# The fields whose parts are those of a name.
def names: . as $entry
  | [keys[] | capture("^(?<n>[0-9]+)\\.(?:3|6)$").n] | unique
  | map(. as $n | select(($entry | has($n + ".1") or has($n + ".5")) | not));

if type != "object" or ([keys[] | select(numbered)] | length) == 0 then .
else
  names as $names
  | [ to_entries[]
      | (.key | capture("^(?<n>[0-9]+)\\.(?<part>[0-9]+)$") // null) as $part
      | if $part != null and ($names | index([$part.n])) != null and ($part.part | IN("3", "4", "6")) then
          .key = {"3": "firstName", "4": "secondName", "6": "lastName"}[$part.part]
        elif (.key | numbered) and (.value | type) == "string" and (.value | is_email) then .key = "email"
        elif (.key | numbered) and (.value | type) == "string" and (.value | is_phone) then .key = "phone"
        elif .key | numbered then .key = "field \(.key)"
        else . end ]
  | gather
end
