# Typeform and Facebook nest their answers; everything else is taken as it is.
if type != "object" then .
elif has("form_response") then
  .form_response.answers | map({(.field.ref): (.text // .email // .phone_number)}) | add
elif has("field_data") then
  .field_data | map({(.name): .values[0]}) | add
else . end
