package webhook

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The reference vector of Standard Webhooks: its libraries' TestWebhookSign.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	wrongSignature  = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
)

func verifierOf(t *testing.T, verify string) verifier {
	t.Helper()
	return parseSources(t, "sources: [{name: x, verify: "+verify+"}]").byName["x"].verifier
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/x", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// TestStandardWebhooks are the cases of the reference libraries.
func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	v := verifierOf(t, "{type: standard-webhooks, secrets_env: STANDARD}")
	sent := strconv.Itoa(vectorTime)
	for name, c := range map[string]struct {
		id, sent, signature string
		now                 int64
		body                string
		want                error
	}{
		"valid":                     {vectorID, sent, vectorSignature, vectorTime, vectorBody, nil},
		"among others":              {vectorID, sent, strings.Join([]string{wrongSignature, "v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", vectorSignature, wrongSignature}, " "), vectorTime, vectorBody, nil},
		"beside an asymmetric one":  {vectorID, sent, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== " + vectorSignature, vectorTime, vectorBody, nil},
		"no id":                     {"", sent, vectorSignature, vectorTime, vectorBody, errUnsigned},
		"no timestamp":              {vectorID, "", vectorSignature, vectorTime, vectorBody, errUnsigned},
		"no signature":              {vectorID, sent, "", vectorTime, vectorBody, errUnsigned},
		"timestamp is not a number": {vectorID, "now", vectorSignature, vectorTime, vectorBody, errUnsigned},
		"wrong":                     {vectorID, sent, wrongSignature, vectorTime, vectorBody, errBadSignature},
		"of another version":        {vectorID, sent, strings.Replace(vectorSignature, "v1,", "v2,", 1), vectorTime, vectorBody, errBadSignature},
		"without version":           {vectorID, sent, strings.TrimPrefix(vectorSignature, "v1,"), vectorTime, vectorBody, errBadSignature},
		"no Base64":                 {vectorID, sent, "v1,?", vectorTime, vectorBody, errBadSignature},
		"empty":                     {vectorID, sent, "v1,", vectorTime, vectorBody, errBadSignature},
		"other body":                {vectorID, sent, vectorSignature, vectorTime, `{"test":2432232314}`, errBadSignature},
		"other id":                  {vectorID + "x", sent, vectorSignature, vectorTime, vectorBody, errBadSignature},
		"other timestamp":           {vectorID, "946684800", vectorSignature, 946684800, vectorBody, errBadSignature},
		"just not too old":          {vectorID, sent, vectorSignature, vectorTime + 300, vectorBody, nil},
		"just not too new":          {vectorID, sent, vectorSignature, vectorTime - 300, vectorBody, nil},
		"too old":                   {vectorID, sent, vectorSignature, vectorTime + 301, vectorBody, errTimestamp},
		"too new":                   {vectorID, sent, vectorSignature, vectorTime - 301, vectorBody, errTimestamp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			for header, value := range map[string]string{"webhook-id": c.id, "webhook-timestamp": c.sent, "webhook-signature": c.signature} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			if err := v.verify(r, []byte(c.body), time.Unix(c.now, 0)); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestStandardWebhooksExtremeTimes signs times that overflow when they are subtracted.
func TestStandardWebhooksExtremeTimes(t *testing.T) {
	t.Parallel()
	v := verifierOf(t, "{type: standard-webhooks, secrets_env: STANDARD}")
	key, _ := standardSecret(vectorSecret)
	for _, sent := range []string{"-9223372036854775808", "9223372036854775807", "-9223372035240510478"} {
		sum := mac(sha256.New, key, []byte("a."+sent+".b"))
		r := request("webhook-id", "a", "webhook-timestamp", sent, "webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(sum))
		if err := v.verify(r, []byte("b"), time.Unix(vectorTime, 0)); !errors.Is(err, errTimestamp) {
			t.Errorf("%s: %v, want %v", sent, err, errTimestamp)
		}
	}
}

// TestRotation takes requests of an old and a new secret while both are in force.
func TestRotation(t *testing.T) {
	t.Parallel()
	v := verifierOf(t, "{type: hmac, secrets_env: [PLAIN], secrets_files: [/filed]}")
	for secret, want := range map[string]error{testSecrets["PLAIN"]: nil, "filed secret": nil, "another": errBadSignature} {
		sum := hex.EncodeToString(mac(sha256.New, []byte(secret), []byte("body")))
		if err := v.verify(request("X-Hub-Signature-256", "sha256="+sum), []byte("body"), time.Now()); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", secret, err, want)
		}
	}
}

// TestGitHubSignature is the example of GitHub's documentation.
//
// Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func TestGitHubSignature(t *testing.T) {
	t.Parallel()
	v := verifierOf(t, "{type: hmac, secrets_env: [PLAIN]}")
	const good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for name, c := range map[string]struct {
		signature, body string
		want            error
	}{
		"good":       {good, "Hello, World!", nil},
		"other body": {good, "Hello, World", errBadSignature},
		"no prefix":  {strings.TrimPrefix(good, "sha256="), "Hello, World!", nil},
		"upper case": {strings.ToUpper(good), "Hello, World!", nil},
		"cut":        {good[:20], "Hello, World!", errUnsigned},
		"shorter":    {good[:19], "Hello, World!", errBadSignature},
		"none":       {"", "Hello, World!", errUnsigned},
		"only sha1":  {"sha1=aa", "Hello, World!", errUnsigned},
	} {
		if err := v.verify(request("X-Hub-Signature-256", c.signature), []byte(c.body), time.Now()); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestOtherHMAC are those of others: another header, prefix, hash or encoding. What a
// source does not say is seen from the signature, what it says is needed.
func TestOtherHMAC(t *testing.T) {
	t.Parallel()
	key, body := []byte(testSecrets["PLAIN"]), []byte("body")
	sum256, sum1 := mac(sha256.New, key, body), mac(sha1.New, key, body)
	for name, c := range map[string]struct {
		verify, signature string
		want              error
	}{
		"Typeform":         {"prefix: 'sha256=', encoding: base64", "sha256=" + base64.StdEncoding.EncodeToString(sum256), nil},
		"Base64":           {"", base64.StdEncoding.EncodeToString(sum256), nil},
		"Base64, prefixed": {"", "sha256=" + base64.StdEncoding.EncodeToString(sum256), nil},
		"Base64, unpadded": {"", base64.RawStdEncoding.EncodeToString(sum256), nil},
		"hex":              {"", hex.EncodeToString(sum256), nil},
		"SHA-1":            {"algorithm: sha1", "sha1=" + hex.EncodeToString(sum1), nil},
		"own prefix":       {"prefix: 'v0='", "v0=" + hex.EncodeToString(sum256), nil},
		"no own prefix":    {"prefix: 'v0='", hex.EncodeToString(sum256), errUnsigned},
		"hex is said":      {"encoding: hex", base64.StdEncoding.EncodeToString(sum256), errUnsigned},
		"Base64 is said":   {"encoding: base64", hex.EncodeToString(sum256), errBadSignature},
		"another hash":     {"", "sha1=" + hex.EncodeToString(sum1), errUnsigned},
		"another's sum":    {"", hex.EncodeToString(sum1), errBadSignature},
		"empty":            {"", "sha256=", errUnsigned},
	} {
		v := verifierOf(t, "{type: hmac, header: X-Sign, secrets_env: [PLAIN], "+c.verify+"}")
		if err := v.verify(request("X-Sign", c.signature), body, time.Now()); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verify, query string
		headers       []string
		want          error
	}{
		"query":            {"{type: token, query: key, secrets_env: [PLAIN]}", "key=It%27s+a+Secret+to+Everybody", nil, nil},
		"wrong":            {"{type: token, query: key, secrets_env: [PLAIN]}", "key=It", nil, errBadToken},
		"none":             {"{type: token, query: key, secrets_env: [PLAIN]}", "", nil, errNoToken},
		"header":           {"{type: token, header: X-Key, secrets_env: [PLAIN]}", "", []string{"x-key", "It's a Secret to Everybody"}, nil},
		"not in the query": {"{type: token, header: X-Key, secrets_env: [PLAIN]}", "token=It%27s+a+Secret+to+Everybody", nil, errNoToken},
		"bearer":           {"{type: token, header: Authorization, prefix: 'Bearer ', secrets_files: /filed}", "", []string{"Authorization", "Bearer filed secret"}, nil},
		"bearer, usual":    {"{type: token, header: authorization, secrets_files: /filed}", "", []string{"Authorization", "bearer filed secret"}, nil},
		"no bearer":        {"{type: token, header: Authorization, secrets_files: /filed}", "", []string{"Authorization", "filed secret"}, errNoToken},
		"no prefix wanted": {"{type: token, header: Authorization, prefix: '', secrets_files: /filed}", "", []string{"Authorization", "filed secret"}, nil},
		"another header":   {"{type: token, header: X-Key, query: key, secrets_files: /filed}", "key=filed+secret", []string{"X-Key", "of something else"}, nil},
		"both wrong":       {"{type: token, header: X-Key, query: key, secrets_files: /filed}", "key=a", []string{"X-Key", "b"}, errBadToken},
		"usual header":     {"{type: token, secrets_files: /filed}", "", []string{"X-Webhook-Token", "filed secret"}, nil},
		"usual query":      {"{type: token, secrets_files: /filed}", "token=filed%20secret", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(c.headers...)
			r.URL.RawQuery = c.query
			if err := verifierOf(t, c.verify).verify(r, nil, time.Now()); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestSecretFileIsReadAgain changes a file: the new secret is in force without a restart, and the
// old one is not, also when nobody sends anything wrong. An emptied file lets nobody in; one that
// cannot be read keeps the last secret for a bounded time. Each change is told once.
func TestSecretFileIsReadAgain(t *testing.T) {
	t.Parallel()
	text, reads := "old", 0
	var told []string
	now := time.Now()
	s := &secrets{
		filed: []filedSecret{{file: "f", key: []byte("old"), goodAt: now}}, readAt: now, decode: plainSecret,
		read: func(string) ([]byte, error) {
			reads++
			return []byte(text), missing(text != "gone")
		},
		onChange: func(file string, why error) { told = append(told, fmt.Sprint(file, " ", why)) },
	}
	lets := func(key string) bool {
		return s.any(now, func(b []byte) bool { return bytes.Equal(b, []byte(key)) })
	}
	for _, step := range []struct {
		text     string
		after    time.Duration
		old, new bool
	}{
		{"new\n", secretAge - 1, true, false}, // not read yet
		{"new\n", 1, false, true},
		{" \n", secretAge, false, false},
		{"new", secretAge, false, true},
		{"gone", secretAge, false, true},
		{"gone", secretKept - 2*secretAge, false, true},
		{"gone", secretAge, false, false},
		{"new\x01", secretAge, false, false},
		{"old", secretAge, true, false},
		{"old\x01", secretAge, true, false}, // half written
	} {
		text = step.text
		now = now.Add(step.after)
		if is, isNew := lets("old"), lets("new"); is != step.old || isNew != step.new {
			t.Errorf("%q after %v: old %t, new %t", step.text, step.after, is, isNew)
		}
	}
	if reads != 9 {
		t.Errorf("%d reads, want 9", reads)
	}
	want := []string{"f is empty", "f <nil>", "f no such file", "f " + errNoSecret.Error(), "f <nil>", "f " + errNoSecret.Error()}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestSvixHeaders are Standard Webhooks under the names that came before.
func TestSvixHeaders(t *testing.T) {
	t.Parallel()
	v := verifierOf(t, "{type: standard-webhooks, secrets_env: STANDARD}")
	sent := strconv.Itoa(vectorTime)
	for name, c := range map[string]struct {
		headers []string
		want    error
		id      string
	}{
		"svix":         {[]string{"svix-id", vectorID, "svix-timestamp", sent, "svix-signature", vectorSignature}, nil, vectorID},
		"both":         {[]string{"webhook-id", vectorID, "webhook-timestamp", sent, "webhook-signature", vectorSignature, "svix-id", "x"}, nil, vectorID},
		"mixed":        {[]string{"webhook-id", vectorID, "svix-timestamp", sent, "svix-signature", vectorSignature}, errUnsigned, ""},
		"two whole":    {[]string{"webhook-id", "x", "webhook-timestamp", sent, "webhook-signature", vectorSignature, "svix-id", vectorID, "svix-timestamp", sent, "svix-signature", vectorSignature}, errBadSignature, "x"},
		"another id":   {[]string{"svix-id", "x", "svix-timestamp", sent, "svix-signature", vectorSignature}, errBadSignature, "x"},
		"svix, id new": {[]string{"svix-id", vectorID, "svix-timestamp", sent, "svix-signature", vectorSignature, "webhook-id", "x"}, nil, vectorID},
	} {
		r := request(c.headers...)
		if err := v.verify(r, []byte(vectorBody), time.Unix(vectorTime, 0)); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if id := v.signedID(r.Header); id != c.id {
			t.Errorf("%s: id %q, want %q", name, id, c.id)
		}
	}
	for _, text := range []string{vectorSecret, "v1," + vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_")} {
		want, _ := standardSecret(vectorSecret)
		if key, err := standardSecret(text); err != nil || !bytes.Equal(key, want) {
			t.Errorf("%.8s…: %v", text, err)
		}
	}
}
