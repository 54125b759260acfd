# Calltouch webhooks: calls and requests with the parameters that were chosen for them,
# https://www.calltouch.ru/support/otpravka-informatsii-o-zvonkakh-zayavkakh-chatakh-iz-calltouch-v-lyubuyu-sistemu-s-pomoshchyu-webhoo/
# Of a call, callerphone is the client's number, and phonenumber the one that was called: the company's.

def is_number: (type == "string" or type == "number") and (tostring | test("[0-9].*[0-9].*[0-9].*[0-9].*[0-9]"));
def is_caller: IN("callerphone", "callerPhone", "clientPhone", "ctClientPhone");

if type != "object" or (.leadtype != "call" and ([keys[] | select(is_caller)] | length) == 0) then .
else
  [ to_entries[]
    | if (.key | is_caller) and (.value | is_number) then .key = "phone"
      elif .key | IN("phonenumber", "phoneNumber", "ctCallerNumber") then .key = "number that was called"
      else . end ]
  | gather
end
