package transform

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Documents and reports of bodies that hold a person somewhere inside.
const (
	documentSegment    = "https://www.twilio.com/docs/segment/connections/spec/identify"
	documentDebezium   = "https://raw.githubusercontent.com/api-evangelist/debezium/refs/heads/main/json-schema/debezium-change-event.json"
	documentConnect    = "https://cwiki.apache.org/confluence/spaces/KAFKA/pages/80453670/KIP-301+Schema+Inferencing+for+JsonConverter"
	documentGoogle     = "https://developers.google.com/google-ads/webhook/docs/implementation"
	documentFormstack  = "https://developers.formstack.com/docs/webhook-examples"
	documentTally      = "https://glama.ai/mcp/servers/@learnwithcc/tally-mcp/blob/63015e0b807ed8184e8aa5098ddfaa389c86fada/src/models/tally-schemas.ts"
	documentMailerLite = "https://developers-classic.mailerlite.com/docs/webhooks"
	documentMailchimp  = "https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/"
	documentCalendly   = "https://developer.calendly.com/docs/webhooks/overview"
	documentBrevo      = "https://developers.brevo.com/docs/conversations-webhooks"
	documentBitrix     = "https://packagist.org/packages/egeneralov/bitrix24-api-hook"
	documentBotWizard  = "https://botwizard.net/english/article3423486"
	documentFunnels    = "https://gist.github.com/sahanh/b36f5366353bb0fcc3be23453b1254e6"
	documentFacebook   = "https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving"
	documentCloudEvent = "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"
)

func TestSentBodies(t *testing.T) {
	t.Parallel()
	row := func(source, data, want string) sent { return sent{source: source, data: data, want: want} }
	checkSent(t, []sent{
		// One person, under a name of its own.
		row(documentSegment, `{"type":"identify","traits":{"name":"Anna Smith","email":"anna@example.com"},"userId":"97980cfea0067"}`,
			"; anna@example.com; Anna//Smith; type: identify\nuserId: 97980cfea0067"),
		row(documentSegment, `{"type":"track","event":"Signup","properties":{"email":"anna@example.com"},"context":{"traits":{"email":"anna@example.com","firstName":"Anna"},"campaign":{"name":"autumn","source":"ads"}}}`,
			"; anna@example.com; Anna//; type: track\nevent: Signup"),
		row(documentBrevo, `{"eventName":"conversationStarted","visitor":{"name":"Anna","email":"anna@example.com"},"agent":{"name":"Bob","email":"bob@example.org"}}`,
			"; anna@example.com; Anna//; eventName: conversationStarted\nagent.name: Bob\nagent.email: bob@example.org"),
		row(documentBrevo, `{"agent":{"email":"bob@example.org"},"manager":{"phone":"+79161234567"},"operator":{"phone":"+79031112233"},"employee":{"email":"e@example.org"},"company":{"phone":"+74951234567"}}`, "NO_CONTACT_POINT"),
		row(documentMailerLite, `{"events":[{"data":{"subscriber":{"email":"guy@example.com","fields":[{"key":"email","value":"guy@example.com"},{"key":"last_name","value":"Random"}],"name":"Guy"}}}]}`,
			"; guy@example.com; Guy//Random"),
		row(documentFunnels, `{"data":[{"id":"1","type":"contacts","attributes":{"first-name":"Dee","last-name":"Ells","email":"dee@example.com","phone":"","contact-profile":{"first-name":"Dee","email":"dee@example.com"}}}]}`,
			"; dee@example.com; Dee//Ells; data.id: 1\ndata.type: contacts"),
		row(documentCalendly, `{"event":"invitee.created","payload":{"email":"anna@example.com","name":"Anna Smith","questions_and_answers":[{"question":"Phone number","answer":"+79161234567","position":0}]}}`,
			"+79161234567; anna@example.com; Anna//Smith; event: invitee.created"),

		// Questions and answers.
		row(documentGoogle, `{"lead_id":"L1","user_column_data":[{"column_name":"Full Name","string_value":"Anna Smith","column_id":"FULL_NAME"},{"string_value":"anna@example.com","column_id":"EMAIL"},{"column_name":"What is your preferred dealership?","string_value":"North"}]}`,
			"; anna@example.com; Anna//Smith; lead_id: L1\nWhat is your preferred dealership?: North"),
		row(documentFacebook, `{"field_data":[{"name":"full_name","values":["Anna Smith"]},{"name":"phone_number","values":["+79161234567"]}]}`, "+79161234567; ; Anna//Smith"),
		row(documentTally, `{"data":{"formName":"Order","fields":[{"key":"question_1","label":"Where to write?","type":"INPUT_EMAIL","value":"anna@example.com"},{"key":"question_2","label":null,"type":"INPUT_PHONE_NUMBER","value":"+79161234567"},{"key":"question_3","label":"Size","type":"INPUT_TEXT","value":"L"}]}}`,
			"+79161234567; anna@example.com; ; data.formName: Order\nSize: L"),
		row(documentFormstack, `{"FormID":"23534","Name":{"first":"John","last":"Smith"},"Email":{"value":"john@example.com","field_type":"email"},"Phone":{"value":"+1 234-555-6789","field_type":"phone"}}`,
			"+12345556789; john@example.com; John//Smith; FormID: 23534"),
		row(documentFormstack, `{"answers":[{"q":"Сколько комнат?","a":"2"},{"q":"Ваше имя","a":"Иван"}],"contacts":{"phone":"8 916 123-45-67"}}`,
			"+79161234567; ; Иван//; Сколько комнат?: 2"),
		row(documentFormstack, `{"name":"Landing","form":{"name":"Заявка","fields":{"name":{"value":"Иван"},"phone":{"value":"89161234567"}}}}`,
			"+79161234567; ; Иван//; name: Landing\nform.name: Заявка"),

		row(documentFormstack, `{"answers":{"1":{"text":"Имя","answer":"Анна"},"2":{"text":"Телефон","answer":"89161234567"}}}`, "+79161234567; ; Анна//"),
		row(documentFormstack, `{"answers":{"Имя":"Анна","Телефон":"89161234567"}}`, "+79161234567; ; Анна//"),
		row(documentFormstack, `{"names":[{"displayName":"Anna Smith","givenName":"Anna","familyName":"Smith"}],"emailAddresses":[{"value":"anna@example.com"}]}`, "; anna@example.com; Anna//Smith"),

		// PHP's names, and JSON as text.
		row(documentMailchimp, `{"type":"subscribe","data[email]":"anna@example.com","data[merges][EMAIL]":"anna@example.com","data[merges][FNAME]":"Anna","data[merges][LNAME]":"Smith"}`,
			"; anna@example.com; Anna//Smith; type: subscribe"),
		row(documentBitrix, `{"fields[NAME]":"Роман","fields[PHONE][n0][VALUE]":"+79161234567","fields[PHONE][n0][VALUE_TYPE]":"WORK"}`, "+79161234567; ; Роман//"),
		row(documentBitrix, `{"lead[phone]":"89161234567","lead[name]":"Иван","manager[phone]":"84951234567"}`, "+79161234567; ; Иван//; manager.phone: 84951234567"),
		row(documentBitrix, `{"fields[0][name]":"email","fields[0][value]":"anna@example.com"}`, "; anna@example.com"),
		row(documentBotWizard, `{"program":"viber","profile":"{\"tel\":\"+79161234567\",\"login\":\"anna\"}"}`, "+79161234567; ; ; program: viber\nprofile.login: anna"),
		row(documentBotWizard, `"{\"name\":\"Анна\",\"phone\":\"+79161234567\"}"`, "+79161234567; ; Анна//"),
		row(documentBotWizard, `[{"name":"Анна","phone":"+79161234567"}]`, "+79161234567; ; Анна//"),
		row(documentGoogle, `[{"name":"email","value":"anna@example.com"},{"name":"name","value":"Anna"}]`, "; anna@example.com; Anna//"),

		// Envelopes of Kafka.
		row(documentDebezium, `{"before":null,"after":{"id":1,"name":"Анна","phone":"+79161234567"},"source":{"name":"db"},"op":"c","ts_ms":1}`, "+79161234567; ; Анна//; after.id: 1"),
		row(documentDebezium, `{"schema":{"type":"struct"},"payload":{"before":{"email":"old@example.com"},"after":{"email":"anna@example.com"},"source":{},"op":"u"}}`, "; anna@example.com"),
		row(documentDebezium, `{"before":{"email":"anna@example.com"},"after":null,"source":{},"op":"d"}`, "NO_CONTACT_POINT"),
		row(documentConnect, `{"schema":{"type":"struct","fields":[]},"payload":{"email":"anna@example.com"}}`, "; anna@example.com"),
		row(documentConnect, `{"schema":{"type":"string"},"payload":"{\"email\":\"anna@example.com\"}"}`, "; anna@example.com"),

		// Two persons: no guess.
		row(documentBrevo, `{"contact":{"email":"anna@example.com"},"client":{"email":"bob@example.com"}}`, "NO_CONTACT_POINT"),
		row(documentBrevo, `{"contacts":[{"email":"anna@example.com"},{"email":"bob@example.com"}]}`, "NO_CONTACT_POINT"),
		row(documentBrevo, `{"lead":{"phone":"+79161234567"},"user":{"email":"bob@example.com"}}`, "NO_CONTACT_POINT"),
		row(documentBrevo, `{"email":"anna@example.com","user":{"email":"bob@example.com"}}`, "NO_CONTACT_POINT"),
		row(documentBrevo, `[{"email":"anna@example.com"},{"email":"bob@example.com"}]`, "NO_CONTACT_POINT"),

		// A name apart from the contact points, of one person and of two.
		row(documentBrevo, `{"visitor":{"name":"Anna"},"contacts":{"email":"anna@example.com"}}`, "; anna@example.com; Anna//"),
		row(documentBrevo, `{"contact":{"name":"Anna"},"phone":"+79161234567"}`, "+79161234567; ; Anna//"),
		row(documentBrevo, `{"contact":{"name":"Anna"},"user":{"name":"Bob"},"phone":"+79161234567"}`, "+79161234567; ; ; contact.name: Anna\nuser.name: Bob"),
		row(documentBrevo, `{"agent":{"name":"Bob"},"phone":"+79161234567"}`, "+79161234567; ; ; agent.name: Bob"),

		// One person twice, and one beside whom another kind of contact point stands.
		row(documentBrevo, `{"contact":{"email":"anna@example.com","phone":"+79161234567"},"client":{"email":"Anna@Example.com","name":"Anna"}}`, "+79161234567; anna@example.com; Anna//"),
		row(documentBrevo, `{"phone":"+79161234567","user":{"email":"bob@example.com"}}`, "+79161234567; ; ; user.email: bob@example.com"),
	})
}

// TestRejectionNamesThePersons: whoever looks at the letter sees where persons
// were found and what to do.
func TestRejectionNamesThePersons(t *testing.T) {
	t.Parallel()
	_, err := contactOf(t, Options{}, `{"email":"anna@example.com","data":{"client":{"email":"bob@example.com"}}}`)
	for _, want := range []string{"the event itself", "data.client", "MAPPING_FILE", "map --explain"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "example.com") {
		t.Errorf("%v holds a value of the event", err)
	}
}

// TestSentCloudEvents: data as a text, and in any Base64.
func TestSentCloudEvents(t *testing.T) {
	t.Parallel()
	lead := `{"email":"anna@example.com","x":"???"}`
	row := func(data string) sent {
		return sent{source: documentCloudEvent, data: `{"specversion":"1.0","id":"1","source":"/s","type":"t",` + data + `}`, want: "; anna@example.com; ; x: ???"}
	}
	checkSent(t, []sent{
		row(`"data":` + lead),
		row(`"data":"{\"email\":\"anna@example.com\",\"x\":\"???\"}"`),
		row(`"data":null,"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(lead)) + `"`),
		row(`"data_base64":"` + base64.RawURLEncoding.EncodeToString([]byte(lead)) + `"`),
		row(`"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(`"{\"email\":\"anna@example.com\",\"x\":\"???\"}"`)) + `"`),
	})
}

// TestMalformedSaysWhatAndWhere: the letter tells the producer's author what to
// mend, without a value of the event.
func TestMalformedSaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"{\"name\":\"Anna\nSmith\"}":                 "line 1, column 14: a line end inside of a text: write \\n",
		"{\"name\":\"Anna\tSmith\"}":                 "line 1, column 14: a tab inside of a text",
		"{\n  \"name\": \"Anna\",\n}":                "line 3, column 1: a comma behind the last member",
		`{"a":[1,2,]}`:                               "line 1, column 11: a comma behind the last member",
		`{'name':'Anna'}`:                            "line 1, column 2: a text in other quotes",
		`{name:"Anna"}`:                              "line 1, column 2: the name of a member is due, in quotes",
		`{"name":"Anna" "b":1}`:                      "line 1, column 16: a text begins where a comma",
		`{"name":"say "hi" to"}`:                     "line 1, column 15",
		`{"name":"Anna","phone":"+7916`:              "it is cut off",
		`{"name":"Анна",/* x */"b":1}`:               "line 1, column 16: a comment",
		`email=anna%40example.com&name=Anna`:         "HTML form",
		"\x00\x00\x00\x00\x01\x10anna":               "schema registry",
		`{"name":NaN}`:                               "line 1, column 9",
		`17`:                                         "a number and no object",
		`"anna@example.com"`:                         "a text and no object",
		`{"specversion":"1.0","data_base64":"e3sK"}`: "data_base64 of the CloudEvent: the value is not JSON: line 1, column 2",
	} {
		_, err := newTransformer(t, Options{}).Decode(record(value))
		if reasonOf(err) != ReasonMalformed || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "nna") || strings.Contains(err.Error(), "7916")) {
			t.Errorf("%v holds a value", err)
		}
	}
}
