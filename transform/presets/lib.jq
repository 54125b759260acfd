# What the presets share. A preset gives one flat object: the fields of a lead
# under the names that leads have, and every other answer under its label, which
# ends in the comments.

# Questions that ask for a field of a lead, in words or as a key.
def opening: "^(?:(?:what(?:['’]s| is)|please|enter|type|tell us|укажите|введите|напишите)[ _]+)*(?:(?:your|ваше?|ваша)[ _]+)?";
def subject: "(?:(?:first|given|last|family|middle|full)[ _-]*name|name|surname|patronymic"
  + "|(?:mobile|work|home)?[ _]?(?:tele)?phone(?:[ _]?number)?|mobile(?:[ _]?number)?|(?:work|home)?[ _]?e-?mail(?:[ _]address)?"
  + "|company(?:[ _]name)?|job[ _]title|message|comments?"
  + "|имя|фамилия|отчество|фио|(?:номер )?телефона?|e-?mail|(?:электронная )?почта|компания|должность|сообщение|комментарий)";
def asks_for_field: test(opening + subject + "[\\s?!.:*]*$"; "i");

# The name of a field for a label; other labels stay as they are. Phones and
# e-mails get one name, so that they stay in the order of the form.
def lead_key:
  if type != "string" or (asks_for_field | not) then .
  elif test("phone|mobile|телефон"; "i") then "phone"
  elif test("mail|почта"; "i") then "email"
  else sub(opening; ""; "i") end;

# The same with a second name, which counts when only it tells the field.
def lead_key($other):
  if ($other | type) != "string" or $other == "" then lead_key
  elif . == null or . == "" then $other | lead_key
  elif type != "string" then .
  elif (asks_for_field | not) and ($other | asks_for_field) then $other | lead_key
  else lead_key end;

# One object of many {key, value}; values under the same key become a list.
def gather:
  reduce (.[] | .key = (.key // "answer" | tostring)) as $e ({};
    if $e.value == null or $e.value == "" then .
    elif has($e.key) then .[$e.key] = ([.[$e.key]] | flatten(1)) + ([$e.value] | flatten(1))
    else .[$e.key] = $e.value end);

def one_or_all: if type == "array" and length == 1 then .[0] else . end;

# The entries of an object inside, or the entry itself when it is none.
def entries_of($name): .[$name] | if type == "object" then to_entries[] else {key: $name, value: .} end;
