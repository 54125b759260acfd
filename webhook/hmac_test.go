package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSignedTemplates: what is signed may be made of several parts of the request, with a time.
func TestSignedTemplates(t *testing.T) {
	t.Parallel()
	const (
		stripe  = "header: Stripe-Signature, element: v1, timestamp: {element: t}, signed: '{timestamp}.{body}'"
		webflow = "header: X-Webflow-Signature, timestamp: {header: X-Webflow-Timestamp}, signed: '{timestamp}:{body}'"
		hubspot = "header: X-HubSpot-Signature-V3, encoding: base64, timestamp: {header: X-HubSpot-Request-Timestamp}, signed: '{method}{url}{body}{timestamp}'"
		framer  = "header: Framer-Signature, signed: '{body}{header:Framer-Webhook-Submission-Id}'"
		query   = "header: X-Sign, signed: '{method} {path}?{query}|{body}'"
	)
	now := time.Unix(1_700_000_000, 0)
	key := []byte(testSecrets["PLAIN"])
	sum := func(text string) string { return hex.EncodeToString(mac(sha256.New, key, []byte(text))) }
	sum64 := func(text string) string {
		return base64.StdEncoding.EncodeToString(mac(sha256.New, key, []byte(text)))
	}
	const ms, address = "1700000000123", "https://gate.example.com/hooks/x?a=b%2Cc"
	for name, c := range map[string]struct {
		verify  string
		headers []string
		want    error
	}{
		"Stripe":               {stripe, []string{"Stripe-Signature", "t=1700000000,v1=" + sum("1700000000.body") + ",v0=aa"}, nil},
		"Stripe, two secrets":  {stripe, []string{"Stripe-Signature", "t=1700000000,v1=" + sum("x") + ",v1=" + sum("1700000000.body")}, nil},
		"Stripe, blanks":       {stripe, []string{"Stripe-Signature", "t=1700000000, v1=" + sum("1700000000.body")}, nil},
		"Stripe, late":         {stripe, []string{"Stripe-Signature", "t=1699999699,v1=" + sum("1699999699.body")}, errTimestamp},
		"Stripe, other time":   {stripe, []string{"Stripe-Signature", "t=1700000001,v1=" + sum("1700000000.body")}, errBadSignature},
		"Stripe, no time":      {stripe, []string{"Stripe-Signature", "v1=" + sum(".body")}, errUnsigned},
		"Stripe, v0 alone":     {stripe, []string{"Stripe-Signature", "t=1700000000,v0=" + sum("1700000000.body")}, errUnsigned},
		"Stripe, nothing":      {stripe, nil, errUnsigned},
		"Webflow":              {webflow, []string{"X-Webflow-Timestamp", ms, "X-Webflow-Signature", sum(ms + ":body")}, nil},
		"Webflow, late":        {webflow, []string{"X-Webflow-Timestamp", "1699999699999", "X-Webflow-Signature", sum("1699999699999:body")}, errTimestamp},
		"Webflow, RFC 3339":    {webflow, []string{"X-Webflow-Timestamp", "2023-11-14T22:13:20Z", "X-Webflow-Signature", sum("2023-11-14T22:13:20Z:body")}, nil},
		"Webflow, no number":   {webflow, []string{"X-Webflow-Timestamp", "now", "X-Webflow-Signature", sum("now:body")}, errUnsigned},
		"Webflow, no time":     {webflow, []string{"X-Webflow-Signature", sum(":body")}, errUnsigned},
		"Webflow, body alone":  {webflow, []string{"X-Webflow-Timestamp", ms, "X-Webflow-Signature", sum("body")}, errBadSignature},
		"HubSpot":              {hubspot, []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", sum64("POST" + address + "body" + ms)}, nil},
		"HubSpot, not escaped": {hubspot, []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", sum64("POSThttps://gate.example.com/hooks/x?a=b,cbody" + ms)}, nil},
		"HubSpot, elsewhere":   {hubspot, []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", sum64("POSThttps://other.example.com/hooks/x?a=b,cbody" + ms)}, errBadSignature},
		"HubSpot, by a name":   {hubspot + ", url: https://public.example.com/in/", []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", sum64("POSThttps://public.example.com/in/hooks/x?a=b%2Ccbody" + ms)}, nil},
		"HubSpot, by ours":     {hubspot + ", url: https://public.example.com", []string{"X-HubSpot-Request-Timestamp", ms, "X-HubSpot-Signature-v3", sum64("POST" + address + "body" + ms)}, errBadSignature},
		"Framer":               {framer, []string{"Framer-Webhook-Submission-Id", "id1", "Framer-Signature", "sha256=" + sum("bodyid1")}, nil},
		"Framer, other id":     {framer, []string{"Framer-Webhook-Submission-Id", "id2", "Framer-Signature", "sha256=" + sum("bodyid1")}, errBadSignature},
		"Framer, no id":        {framer, []string{"Framer-Signature", "sha256=" + sum("body")}, errUnsigned},
		"query":                {query, []string{"X-Sign", sum("POST /hooks/x?a=b%2Cc|body")}, nil},
		"longer tolerance":     {webflow + ", tolerance: 10m", []string{"X-Webflow-Timestamp", "1699999500000", "X-Webflow-Signature", sum("1699999500000:body")}, nil},
	} {
		v := verifierOf(t, "{type: hmac, secrets_env: [PLAIN], "+c.verify+"}")
		r := httptest.NewRequest(http.MethodPost, "/hooks/x?a=b%2Cc", nil)
		r.Host = "gate.example.com"
		for i := 0; i+1 < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		err := v.verify(r, []byte("body"), now)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if errors.Is(c.want, errTimestamp) && !errors.Is(v.before(r, now), errTimestamp) {
			t.Errorf("%s: its body is read", name)
		}
	}
}

// TestSignedGet: of a GET the address is signed.
func TestSignedGet(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, methods: GET, verify: {type: hmac, header: X-Sign, secrets_env: PLAIN, signed: '{query}{body}'}}]")
	const query = "email=a%40example.com&x=%"
	sum := hex.EncodeToString(mac(sha256.New, []byte(testSecrets["PLAIN"]), []byte(query)))
	r.send(http.MethodGet, "/hooks/form?"+query, "", "X-Sign", sum).id(t)
	isProblem(t, r.send(http.MethodGet, "/hooks/form?"+query+"1", "", "X-Sign", sum), http.StatusUnauthorized)
	if e := decoded(t, r.only()); string(e.Data) != `{"email":"a@example.com","x":"%"}` {
		t.Errorf("%s", e.Data)
	}
}

// TestTokenInTheBody: a token that the body holds is looked at, and does not go on.
func TestTokenInTheBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: google, verify: {type: token, field: google_key, secrets_env: PLAIN}, id: {field: lead_id}, mapping: '{email: .email, all: .}', ignore: {test: 1}, ignore_unsigned: true}
- {name: deep, verify: {type: token, field: auth.key, secrets_env: PLAIN}}
`)
	const key = "It's a Secret to Everybody"
	r.post("/hooks/google", mediaJSON, `{"lead_id":"L1","google_key":"`+key+`","email":"a@example.com","n":[1.50]}`).id(t)
	r.post("/hooks/google", mediaForm, "lead_id=L2&email=a%40example.com&google_key=It%27s+a+Secret+to+Everybody").id(t)
	r.post("/hooks/deep", mediaJSON, `{"auth":{"key":"`+key+`","user":"u"},"email":"a@example.com"}`).id(t)
	r.post("/hooks/google", mediaJSON, `{"test":1}`).id(t)
	for _, body := range []string{`{"email":"a@example.com"}`, `{"google_key":"x","email":"a@example.com"}`, `{"google_key":{"a":"` + key + `"}}`, `{"google_key":null}`, `{"test":1,"google_key":""}`} {
		isProblem(t, r.post("/hooks/google", mediaJSON, body), http.StatusUnauthorized)
	}
	recs := r.records()
	if len(recs) != 3 {
		t.Fatalf("%d records, want 3", len(recs))
	}
	for _, rec := range recs {
		if strings.Contains(string(rec.Value), "Secret") || !strings.Contains(string(rec.Value), "a@example.com") {
			t.Errorf("%s", rec.Value)
		}
	}
}
