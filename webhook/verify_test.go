package webhook

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
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
		"valid":                    {vectorID, sent, vectorSignature, vectorTime, vectorBody, nil},
		"among others":             {vectorID, sent, strings.Join([]string{wrongSignature, "v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", vectorSignature, wrongSignature}, " "), vectorTime, vectorBody, nil},
		"beside an asymmetric one": {vectorID, sent, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== " + vectorSignature, vectorTime, vectorBody, nil},
		"no id":                    {"", sent, vectorSignature, vectorTime, vectorBody, errUnsigned},
		"no timestamp":             {vectorID, "", vectorSignature, vectorTime, vectorBody, errUnsigned},
		"no signature":             {vectorID, sent, "", vectorTime, vectorBody, errUnsigned},
		"timestamp is no number":   {vectorID, "now", vectorSignature, vectorTime, vectorBody, errUnsigned},
		"wrong":                    {vectorID, sent, wrongSignature, vectorTime, vectorBody, errBadSignature},
		"of another version":       {vectorID, sent, strings.Replace(vectorSignature, "v1,", "v2,", 1), vectorTime, vectorBody, errBadSignature},
		"without version":          {vectorID, sent, strings.TrimPrefix(vectorSignature, "v1,"), vectorTime, vectorBody, errBadSignature},
		"no Base64":                {vectorID, sent, "v1,?", vectorTime, vectorBody, errBadSignature},
		"empty":                    {vectorID, sent, "v1,", vectorTime, vectorBody, errBadSignature},
		"other body":               {vectorID, sent, vectorSignature, vectorTime, `{"test":2432232314}`, errBadSignature},
		"other id":                 {vectorID + "x", sent, vectorSignature, vectorTime, vectorBody, errBadSignature},
		"other timestamp":          {vectorID, "946684800", vectorSignature, 946684800, vectorBody, errBadSignature},
		"just not too old":         {vectorID, sent, vectorSignature, vectorTime + 300, vectorBody, nil},
		"just not too new":         {vectorID, sent, vectorSignature, vectorTime - 300, vectorBody, nil},
		"too old":                  {vectorID, sent, vectorSignature, vectorTime + 301, vectorBody, errTimestamp},
		"too new":                  {vectorID, sent, vectorSignature, vectorTime - 301, vectorBody, errTimestamp},
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

// TestSecretFileIsReadAgain changes a file: the new secret is in force without a
// restart, and the old one is not; a file that cannot be read changes nothing.
func TestSecretFileIsReadAgain(t *testing.T) {
	t.Parallel()
	text, reads := "old", 0
	s := &secrets{files: []string{"f"}, filed: [][]byte{[]byte("old")}, decode: plainSecret, read: func(string) ([]byte, error) {
		reads++
		return []byte(text), missing(text != "gone")
	}}
	is := func(key string) func([]byte) bool {
		return func(b []byte) bool { return bytes.Equal(b, []byte(key)) }
	}
	now := time.Now()
	text = "new\n"
	if !s.any(now, is("old")) || reads != 0 {
		t.Error("the secret in force is read again")
	}
	if !s.any(now, is("new")) || s.any(now, is("old")) {
		t.Error("the new secret is not in force")
	}
	if s.any(now, is("x")); reads != 1 {
		t.Errorf("%d reads within a second, want 1", reads)
	}
	text = "gone"
	if s.any(now.Add(time.Minute), is("x")) || !s.any(now.Add(time.Minute), is("new")) || reads != 2 {
		t.Errorf("a lost file, %d reads: the secret is gone", reads)
	}
}
