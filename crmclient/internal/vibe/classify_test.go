package vibe

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// failure is the CRM's error body.
func failure(code string) string {
	return `{"success":false,"error":{"code":"` + code + `","message":"words"}}`
}

func TestClassifyAnswers(t *testing.T) {
	const html = "<html><body>proxy</body></html>"
	for _, test := range []struct {
		status int
		body   string
		want   Class
	}{
		{201, `{"success":true,"data":{"id":2457}}`, Done},
		{200, `{"success":true,"data":{"id":2457}}`, Done},
		{200, `{"data":{"id":"2457"}}`, Done},
		{201, `{"success":true,"data":{}}`, Doubt},
		{201, `{"success":true,"data":{"id":0}}`, Doubt},
		{201, `{"success":true,"data":{"id":1.5}}`, Doubt},
		{201, `{"success":true,"data":{"id":null}}`, Doubt},
		{201, `{"success":true,"data":{"id":1e30}}`, Doubt},
		{201, `{"success":true}`, Doubt},
		{201, `{"success":tr`, Doubt},
		{201, ``, Doubt},
		{200, html, Doubt},
		{204, ``, Doubt},
		{202, `{"success":true,"data":null}`, Doubt},
		{200, failure("INVALID_REQUEST"), Refused},
		{200, failure("ALREADY_EXISTS"), Refused},
		{200, failure("BITRIX_ERROR"), Business},
		{200, failure("RATE_LIMITED"), Throttled},
		{200, failure("BITRIX_UNAVAILABLE"), Doubt},
		{200, failure("SCOPE_NOT_ALLOWED"), Credentials},
		{200, failure("NEVER_SEEN"), Doubt},
		{200, `{"success":false}`, Doubt},

		{400, failure("INVALID_REQUEST"), Refused},
		{400, failure("INVALID_MULTIFIELD_SHAPE"), Refused},
		{400, failure("VALIDATION_ERROR"), Refused},
		{400, failure("INVALID_PARAMS"), Refused},
		{400, failure("MISSING_PARAMS"), Refused},
		{400, failure("INVALID_SOMETHING_ELSE"), Refused},
		{400, failure("NEVER_SEEN"), Doubt},
		{400, html, Doubt},
		{409, failure("CONFLICT"), Refused},
		{409, failure("ALREADY_EXISTS"), Refused},
		{409, html, Doubt},
		{413, failure("PAYLOAD_TOO_LARGE"), TooLarge},
		{413, html, TooLarge},
		{413, ``, TooLarge},
		{422, failure("BITRIX_ERROR"), Business},
		{422, failure("NEVER_SEEN"), Doubt},

		{401, failure("MISSING_API_KEY"), Credentials},
		{401, failure("INVALID_API_KEY"), Credentials},
		{401, failure("INVALID_APP_KEY"), Credentials},
		{401, failure("TOKEN_MISSING"), Credentials},
		{401, failure("TOKEN_EXPIRED"), Credentials},
		{401, failure("TOKEN_REFRESH_FAILED"), Credentials},
		{401, failure("KEY_INACTIVE"), Credentials},
		{401, failure("KEY_EXPIRED"), Credentials},
		{401, failure("WRONG_KEY_TYPE"), Credentials},
		{401, html, Credentials},
		{402, failure("BILLING_REQUIRED"), Credentials},
		{402, failure("NEVER_SEEN"), Credentials},
		{403, failure("SCOPE_DENIED"), Credentials},
		{403, failure("SCOPE_NOT_ALLOWED"), Credentials},
		{403, failure("BITRIX_ACCESS_DENIED"), Credentials},
		{403, failure("OAUTH_REQUIRED"), Credentials},
		{403, failure("WRITE_BLOCKED_READONLY_KEY"), Credentials},
		{403, failure("KEY_POLICY_READONLY_REQUIRED"), Credentials},
		{403, failure("IP_NOT_ALLOWED"), Credentials},
		{403, failure("MANAGEMENT_KEY_NO_ENTITY_ACCESS"), Credentials},
		{403, html, Credentials},
		{404, failure("NOT_FOUND"), Credentials},
		{404, html, Credentials},
		{405, ``, Credentials},

		{429, failure("RATE_LIMITED"), Throttled},
		{429, failure("ERROR_LOOP_DETECTED"), Throttled},
		{429, html, Throttled},
		{500, failure("INTERNAL_ERROR"), Doubt},
		{500, failure("INVALID_REQUEST"), Doubt}, // the status weighs more
		{502, failure("BITRIX_UNAVAILABLE"), Doubt},
		{502, html, Doubt},
		{503, html, Doubt},
		{504, failure("QUEUE_TIMEOUT"), Doubt},
		{301, html, Doubt},
		{308, ``, Doubt},
		{408, ``, Doubt},
		{418, failure("NEVER_SEEN"), Doubt},
		{599, ``, Doubt},
	} {
		now := time.Now()
		got, _, _ := classify(answer{status: test.status, body: []byte(test.body), header: http.Header{}, written: now, answered: now}, now).Created(IDField{})
		if got.Class != test.want {
			t.Errorf("%d %s: %v, want %v", test.status, test.body, got.Class, test.want)
		}
	}
}

func TestClassifyTransportFailures(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, test := range map[string]struct {
		err     error
		written bool
		want    Class
		code    string
	}{
		"refused":             {dial, false, NotApplied, "UNREACHABLE"},
		"name unknown":        {&net.OpError{Op: "dial", Err: &net.DNSError{}}, false, NotApplied, "DNS"},
		"certificate":         {&tls.CertificateVerificationError{}, false, NotApplied, "TLS"},
		"reset before write":  {syscall.ECONNRESET, false, NotApplied, "CONNECTION_LOST"},
		"reset after write":   {syscall.ECONNRESET, true, Doubt, "CONNECTION_LOST"},
		"closed after write":  {io.EOF, true, Doubt, "CONNECTION_LOST"},
		"timeout unwritten":   {errTimeout, false, NotApplied, "TIMEOUT"},
		"timeout after write": {errTimeout, true, Doubt, "TIMEOUT"},
	} {
		a := answer{err: test.err}
		if test.written {
			a.written = time.Now()
		}
		if got, _, _ := classify(a, time.Now()).Created(IDField{}); got.Class != test.want || got.Code != test.code {
			t.Errorf("%s: %v %s, want %v %s", name, got.Class, got.Code, test.want, test.code)
		}
	}
}

// A body that broke off has no code, whatever it began with.
func TestClassifyTruncatedBody(t *testing.T) {
	now := time.Now()
	for status, want := range map[int]Class{201: Doubt, 400: Doubt, 502: Doubt, 413: TooLarge, 429: Throttled} {
		a := answer{status: status, body: []byte(failure("INVALID_REQUEST")), err: io.ErrUnexpectedEOF, written: now, answered: now}
		if got, _, _ := classify(a, now).Created(IDField{}); got.Class != want {
			t.Errorf("%d cut off: %v, want %v", status, got.Class, want)
		}
	}
}

func TestClassifyLease(t *testing.T) {
	lost := errors.New("gone")
	if got := classify(answer{lease: lost, written: time.Now()}, time.Now()); got.Class != LeaseLost || !errors.Is(got.Lease, lost) {
		t.Errorf("got %v", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		header, body string
		want         time.Duration
	}{
		{"", "", 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"1.5", "", 1500 * time.Millisecond},
		{"0", "", 0},
		{"-3", "", 0},
		{"NaN", "", 0},
		{"soon", "", 0},
		{"99999999999999999999", "", maxRetryAfter},
		{"Wed, 15 Apr 2026 12:00:30 GMT", "", 30 * time.Second},
		{"Wednesday, 15-Apr-26 12:00:30 GMT", "", 30 * time.Second},
		{"Wed, 15 Apr 2026 11:00:00 GMT", "", 0},
		{"", "60", time.Minute},
		{"", `"60"`, time.Minute},
		{"", `"soon"`, 0},
		{"", "null", 0},
		{"10", "60", time.Minute},
		{"60", "10", time.Minute},
	} {
		body := failure("RATE_LIMITED")
		if test.body != "" {
			body = `{"success":false,"error":{"code":"RATE_LIMITED","retryAfter":` + test.body + `}}`
		}
		a := answer{status: 429, header: http.Header{"Retry-After": {test.header}}, body: []byte(body)}
		if got := classify(a, now).RetryAfter; got != test.want {
			t.Errorf("header %q, body %q: %v, want %v", test.header, test.body, got, test.want)
		}
	}
}
