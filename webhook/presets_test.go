package webhook

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// presetSecret is the secret of every source of the tests; that of Standard Webhooks is Base64.
const presetSecret = "a secret of sixteen"

// sampleTime is when the samples were sent.
var sampleTime = time.Unix(1_772_359_200, 0)

// presetSource gives a source with a preset.
func presetSource(t *testing.T, preset string, key *rsa.PrivateKey) *source {
	t.Helper()
	secrets := map[string]string{"S": presetSecret}
	switch preset {
	case "clerk", "svix":
		secrets["S"] = "whsec_" + base64.StdEncoding.EncodeToString([]byte(presetSecret))
	case "wix":
		secrets["S"] = inPEM(t, key.Public())
	}
	s, err := ParseSources([]byte("sources: [{name: shop, preset: "+preset+", secrets_env: [S]}]"), environment(secrets))
	if err != nil {
		t.Fatalf("%s: %v", preset, err)
	}
	return s.byName["shop"]
}

// sample reads what a sender sends: its content type, and its body.
func sample(t *testing.T, name string) (contentType, body string) {
	t.Helper()
	files, err := filepath.Glob("testdata/" + name + ".*")
	if err != nil || len(files) != 1 {
		t.Fatalf("samples of %s: %v, %v", name, files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	contentType = map[string]string{".json": mediaJSON, ".form": mediaForm, ".multipart": mediaMultipart + "; boundary=------B"}[filepath.Ext(files[0])]
	return contentType, string(text)
}

// signedRequest is a sample as its sender signs it.
func signedRequest(t *testing.T, name string, key *rsa.PrivateKey) (r *http.Request, body string) {
	t.Helper()
	contentType, body := sample(t, name)
	address, method := "https://gate.example.com/hooks/shop", http.MethodPost
	seconds, ms := strconv.FormatInt(sampleTime.Unix(), 10), strconv.FormatInt(sampleTime.UnixMilli(), 10)
	sum := func(text string) []byte { return mac(sha256.New, []byte(presetSecret), []byte(text)) }
	inHex := func(text string) string { return hex.EncodeToString(sum(text)) }
	in64 := func(text string) string { return base64.StdEncoding.EncodeToString(sum(text)) }
	var headers []string
	switch name {
	case "google", "vk":
	case "meta":
		headers = []string{"X-Hub-Signature-256", "sha256=" + inHex(body)}
	case "tally":
		headers = []string{"Tally-Signature", in64(body)}
	case "typeform":
		headers = []string{"Typeform-Signature", "sha256=" + in64(body)}
	case "shopify":
		headers = []string{"X-Shopify-Hmac-SHA256", in64(body), "X-Shopify-Topic", "customers/create"}
	case "woocommerce":
		headers = []string{"X-WC-Webhook-Signature", in64(body), "X-WC-Webhook-Topic", "order.created"}
	case "framer":
		headers = []string{"Framer-Signature", "sha256=" + inHex(body+"sub1"), "Framer-Webhook-Submission-Id", "sub1"}
	case "webflow":
		headers = []string{"X-Webflow-Timestamp", ms, "X-Webflow-Signature", inHex(ms + ":" + body)}
	case "hubspot":
		headers = []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", in64(method + address + body + ms)}
	case "stripe":
		headers = []string{"Stripe-Signature", "t=" + seconds + ",v1=" + inHex(seconds+"."+body)}
	case "calendly":
		headers = []string{"Calendly-Webhook-Signature", "t=" + seconds + ",v1=" + inHex(seconds+"."+body)}
	case "chatwoot":
		headers = []string{"X-Chatwoot-Timestamp", seconds, "X-Chatwoot-Signature", "sha256=" + inHex(seconds+"."+body)}
	case "clerk", "svix":
		headers = []string{"svix-id", "msg_1", "svix-timestamp", seconds, "svix-signature", "v1," + in64("msg_1."+seconds+"."+body)}
	case "wix":
		contentType, body = "text/plain", signer{t, key, jose.RS256, ""}.sign(json.RawMessage(body))
	case "roistat":
		address, body, method = address+"?"+body+"&key=a+secret+of+sixteen", "", http.MethodGet
	default:
		address += "?key=a+secret+of+sixteen"
	}
	r = httptest.NewRequest(method, address, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, body
}

// TestPresets: one word and a secret take what each sender sends, and the contact is right.
func TestPresets(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const (
		english = "+79161234567; anna@example.com; Anna//Ivanova"
		russian = "+79161234567; anna@example.com; Анна//Иванова"
	)
	cases := map[string]struct{ id, answer, contact, comment string }{
		"tilda":        {"1234567:8912345678", "", russian, "formname: Заявка"},
		"marquiz":      {"body-", "", russian, "Какой материал?: Дуб, Шпон"},
		"flexbe":       {"body-", "", russian, "data.form_name: Заявка"},
		"calltouch":    {"body-", "", russian, "number that was called: 74951234567"},
		"roistat":      {"90", "", "+79161234567; anna@example.com; Анна//", "title: Пойманный лид"},
		"jivo":         {"body-", `200 {"result":"ok"}`, russian, "Перезвоните мне"},
		"yandex-forms": {"body-", "", russian, "Город: Казань"},
		"jotform":      {"4908161427821564352", "", english, "plan: https://files.example.com/plan.pdf"},
		"elementor":    {"body-", "", english, "form: Order"},
		"cf7":          {"body-", "", english, "menu-220: Kitchen"},
		"wpforms":      {"body-", "", english, "Call me"},
		"gravity":      {"77", "", english, "field 4: Call me"},
		"fluent":       {"body-", "", english, "Call me"},
		"ninja":        {"body-", "", english, "Call me"},
		"zapier":       {"body-", "", english, ""},
		"make":         {"body-", "", english, "The first line\nand a second one"},
		"n8n":          {"body-", "", english, ""},
		"mailchimp":    {"body-", "", english, "INTERESTS: Group1,Group2"},
		"google":       {"TeSter-123-", "200 {}", english, "What is your preferred dealership?: North"},
		"vk":           {"f2a7c1e05d", "200 ok", "+79161234567; ; Анна//Иванова", "Что вас интересует?: Кухня, Шкаф"},
		"meta":         {"body-", "", "NO_CONTACT_POINT", ""},
		"tally":        {"2wgx4n", "", "+79161234567; anna@example.com; //", "What do you need?: Kitchen, Table"},
		"typeform":     {"a3a12ec67a1365927098a606107fac15", "", "+447400123456; laura@example.com; Laura//Palmer", "Which pictures do you like?: London, Sydney, Twin Peaks"},
		"shopify":      {"body-", "", english, "Call me"},
		"woocommerce":  {"body-", "", "+14155552671; anna@example.com; Anna//Ivanova", "Call me"},
		"framer":       {"sub1", "", english, "Call me"},
		"webflow":      {"6321ca84df3949bfc6752327", "", english, "form: Order"},
		"hubspot":      {"body-", "", english, "form: Order"},
		"stripe":       {"evt_1MqqbKLt4dXK03v5qaIbiNCC", "", english, "data.object.metadata.plan: pro"},
		"calendly":     {"body-", "", english, "What do you need?: A table"},
		"chatwoot":     {"body-", "", english, "city: Omsk"},
		"clerk":        {"msg_1", "", "+79161234567; anna@example.com old@example.com; Anna//Ivanova", "event: user.created"},
		"svix":         {"msg_1", "", english, "type: contact.created"},
		"wix":          {"d1a4f0d2", "", english, "contact id: c7f8"},
	}
	if diff := cmp.Diff(PresetNames(), slices.Sorted(maps.Keys(cases))); diff != "" {
		t.Errorf("(-presets +cases):\n%s", diff)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := presetSource(t, name, key)
			r, body := signedRequest(t, name, key)
			d, e, err := s.verifyAndDecode(r, contentType(r.Header.Get("Content-Type")), []byte(body), sampleTime)
			if err != nil || d.dropped != "" || !strings.HasPrefix(d.id, c.id) {
				t.Fatalf("%+v, %v; want an id %s…", d, err, c.id)
			}
			if strings.Contains(string(e.value), presetSecret) {
				t.Errorf("the secret goes on: %s", e.value)
			}
			contact, comment := contactLine(t, e.value)
			if contact != c.contact || !strings.Contains(comment, c.comment) {
				t.Errorf("contact %s\nwant    %s\ncomments %s\nwant     %s", contact, c.contact, comment, c.comment)
			}
			if again, _, err := s.verifyAndDecode(r, contentType(r.Header.Get("Content-Type")), []byte(body), sampleTime.Add(time.Second)); err != nil || again.id != d.id {
				t.Errorf("sent again it is another event: %s, %v", again.id, err)
			}
			w := httptest.NewRecorder()
			s.answerTaken(w, r, d)
			if got := strconv.Itoa(w.Code) + " " + strings.TrimSpace(w.Body.String()); got != c.answer && (c.answer != "" || !strings.HasPrefix(got, `200 {"id":`)) {
				t.Errorf("answer %s, want %s", got, c.answer)
			}
			// Without the proof it is nobody's.
			stranger := r.Clone(r.Context())
			stranger.Header = http.Header{"Content-Type": r.Header["Content-Type"]}
			stranger.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "sixteen", "seventeen")
			forged := strings.ReplaceAll(body, presetSecret, "guessed")
			if name == "wix" {
				forged = body[:len(body)-4] + "AAAA"
			}
			if _, _, err := s.verifyAndDecode(stranger, contentType(r.Header.Get("Content-Type")), []byte(forged), sampleTime); err == nil {
				t.Error("it is taken from anybody")
			}
		})
	}
}

// contactLine shows a contact as phones; e-mails; first/second/last name, and its comments; or
// the reason why it is none.
func contactLine(t *testing.T, value []byte) (contact, comments string) {
	t.Helper()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(transform.Record{Value: value})
	var c crmclient.Contact
	if err == nil {
		c, err = tr.Contact(e)
	}
	if r, ok := errors.AsType[*transform.Rejection](err); ok {
		return string(r.Reason), ""
	}
	values := func(list []crmclient.Multifield) string {
		var all []string
		for _, one := range list {
			all = append(all, one.Value)
		}
		return strings.Join(all, " ")
	}
	return values(c.Phones) + "; " + values(c.Emails) + "; " + c.Name + "/" + c.SecondName + "/" + c.LastName, c.Comments
}

// TestPresetsFile: each preset names its documentation or says that none was found, and nothing
// of the file is unknown.
func TestPresetsFile(t *testing.T) {
	t.Parallel()
	decoder := yaml.NewDecoder(bytes.NewReader(presetsFile))
	decoder.KnownFields(true)
	var all map[string]preset
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	undocumented := map[string]bool{"marquiz": true, "flexbe": true, "ninja": true} // docs/senders.md says so
	for name, p := range all {
		if strings.HasPrefix(p.Docs, "https://") == undocumented[name] {
			t.Errorf("%s: documentation %q", name, p.Docs)
		}
	}
}

// TestPresetsMayBeChanged: what the file says goes before its preset; another type of
// verification begins anew.
func TestPresetsMayBeChanged(t *testing.T) {
	t.Parallel()
	s := parseSources(t, `sources:
- {name: tolerant, preset: stripe, secrets_env: PLAIN, verify: {tolerance: 1m}, answer: 202, id: {header: X-Id}, mapping: .}
- {name: token, preset: hubspot, verify: {type: token, header: Authorization, secrets_env: PLAIN}}
- {name: vk, preset: vk, secrets_files: [/filed], challenge: {answer: 1a2b}}
- {name: public, preset: hubspot, secrets_env: PLAIN, verify: {url: "https://public.example.com"}}
- {name: open, preset: elementor, verify: {type: none}, redirect: https://example.com}
`)
	tolerant := s.byName["tolerant"]
	v := tolerant.verifier.(signature)
	if v.tolerance != time.Minute || v.header != "Stripe-Signature" || v.element != "v1" || tolerant.answer.status != 202 || tolerant.id.header != "X-Id" || strings.Join(tolerant.id.field, ".") != "id" {
		t.Errorf("%+v, %+v", v, tolerant)
	}
	if v, ok := s.byName["token"].verifier.(token); !ok || v.header != "Authorization" || v.prefix != "Bearer " || len(v.query) != 0 || s.byName["token"].mapper == nil {
		t.Errorf("%+v", s.byName["token"].verifier)
	}
	if ch := s.byName["vk"].challenge; ch.answer != "1a2b" || len(ch.when) != 1 {
		t.Errorf("%+v", ch)
	}
	if v := s.byName["public"].verifier.(signature); v.url != "https://public.example.com" || !v.signed.has("url") {
		t.Errorf("%+v", v)
	}
	if open := s.byName["open"]; open.verifier != (anybody{}) || open.mapper == nil || open.redirects == nil {
		t.Errorf("%+v", open)
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "can be guessed") {
		t.Errorf("warnings %v", w)
	}
	if w := parseSources(t, "sources: [{name: vk, preset: vk, secrets_env: PLAIN}]").Warnings(); len(w) != 1 || !strings.Contains(w[0], "challenge: {answer: TEXT}") {
		t.Errorf("warnings %v", w)
	}
}

// TestTestDeliveries: what senders send to try an address is answered and not written.
func TestTestDeliveries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		preset, contentType, body string
		headers                   []string
	}{
		{"tilda", mediaForm, "test=test", nil},
		{"google", mediaJSON, `{"lead_id":"1","user_column_data":[{"column_id":"EMAIL","string_value":"test@example.com"}],"google_key":"` + presetSecret + `","is_test":true}`, nil},
		{"shopify", mediaJSON, `{"id":1,"email":"jon@example.com"}`, []string{"X-Shopify-Test", "true"}},
		{"woocommerce", mediaForm, "webhook_id=17", nil},
		{"mailchimp", mediaForm, "", nil},
		{"mailchimp", mediaForm, "type=unsubscribe&data%5Bemail%5D=anna%40example.com", nil},
		{"jivo", mediaJSON, `{"event_name":"call_event","call":{"status":"start"},"visitor":{"phone":"+79161234567"}}`, nil},
	} {
		s := presetSource(t, c.preset, nil)
		r := httptest.NewRequest(http.MethodPost, "/hooks/shop?key=a+secret+of+sixteen", nil)
		r.Header.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac(sha256.New, []byte(presetSecret), []byte(c.body))))
		for i := 0; i+1 < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		d, _, err := s.verifyAndDecode(r, contentType(c.contentType), []byte(c.body), sampleTime)
		if err != nil || d.dropped != outcomeIgnored && d.dropped != outcomeChallenge || d.id == "" {
			t.Errorf("%s %s: %+v, %v", c.preset, c.body, d, err)
		}
	}
}
