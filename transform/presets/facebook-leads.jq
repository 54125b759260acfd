# Facebook (Meta) lead ads: a lead as the Graph API gives it,
# https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving

(if (.field_data | type) == "array" then . else (.lead // .data // .value // .) end) as $lead
| if ($lead | type) != "object" or ($lead.field_data | type) != "array" then .
  else
    [ ($lead.field_data[] | objects | {key: (.name | lead_key), value: (.values | one_or_all)}
        # Facebook's testing tool answers so; that is nobody's name.
        | if (.value | type) == "string" and (.value | startswith("<test lead:")) then .key |= "test \(.)" else . end),
      ($lead | del(.field_data) | to_entries[]
        | if .key == "post" then .key = "facebook post" else . end) ] # not the person's position
    | gather
  end
