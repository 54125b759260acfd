package crmclient

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
		want   class
	}{
		{201, `{"success":true,"data":{"id":2457}}`, classDone},
		{200, `{"success":true,"data":{"id":2457}}`, classDone},
		{200, `{"data":{"id":"2457"}}`, classDone},
		{201, `{"success":true,"data":{}}`, classDoubt},
		{201, `{"success":true,"data":{"id":0}}`, classDoubt},
		{201, `{"success":true,"data":{"id":1.5}}`, classDoubt},
		{201, `{"success":true,"data":{"id":null}}`, classDoubt},
		{201, `{"success":true,"data":{"id":1e30}}`, classDoubt},
		{201, `{"success":true}`, classDoubt},
		{201, `{"success":tr`, classDoubt},
		{201, ``, classDoubt},
		{200, html, classDoubt},
		{204, ``, classDoubt},
		{202, `{"success":true,"data":null}`, classDoubt},
		{200, failure("INVALID_REQUEST"), classRefused},
		{200, failure("ALREADY_EXISTS"), classRefused},
		{200, failure("BITRIX_ERROR"), classBusiness},
		{200, failure("RATE_LIMITED"), classThrottled},
		{200, failure("BITRIX_UNAVAILABLE"), classDoubt},
		{200, failure("SCOPE_NOT_ALLOWED"), classCredentials},
		{200, failure("NEVER_SEEN"), classDoubt},
		{200, `{"success":false}`, classDoubt},

		{400, failure("INVALID_REQUEST"), classRefused},
		{400, failure("INVALID_MULTIFIELD_SHAPE"), classRefused},
		{400, failure("VALIDATION_ERROR"), classRefused},
		{400, failure("INVALID_PARAMS"), classRefused},
		{400, failure("MISSING_PARAMS"), classRefused},
		{400, failure("INVALID_SOMETHING_ELSE"), classRefused},
		{400, failure("NEVER_SEEN"), classDoubt},
		{400, html, classDoubt},
		{409, failure("CONFLICT"), classRefused},
		{409, failure("ALREADY_EXISTS"), classRefused},
		{409, html, classDoubt},
		{413, failure("PAYLOAD_TOO_LARGE"), classTooLarge},
		{413, html, classTooLarge},
		{413, ``, classTooLarge},
		{422, failure("BITRIX_ERROR"), classBusiness},
		{422, failure("NEVER_SEEN"), classDoubt},

		{401, failure("MISSING_API_KEY"), classCredentials},
		{401, failure("INVALID_API_KEY"), classCredentials},
		{401, failure("INVALID_APP_KEY"), classCredentials},
		{401, failure("TOKEN_MISSING"), classCredentials},
		{401, failure("TOKEN_EXPIRED"), classCredentials},
		{401, failure("TOKEN_REFRESH_FAILED"), classCredentials},
		{401, failure("KEY_INACTIVE"), classCredentials},
		{401, failure("KEY_EXPIRED"), classCredentials},
		{401, failure("WRONG_KEY_TYPE"), classCredentials},
		{401, html, classCredentials},
		{402, failure("BILLING_REQUIRED"), classCredentials},
		{402, failure("NEVER_SEEN"), classCredentials},
		{403, failure("SCOPE_DENIED"), classCredentials},
		{403, failure("SCOPE_NOT_ALLOWED"), classCredentials},
		{403, failure("BITRIX_ACCESS_DENIED"), classCredentials},
		{403, failure("OAUTH_REQUIRED"), classCredentials},
		{403, failure("WRITE_BLOCKED_READONLY_KEY"), classCredentials},
		{403, failure("KEY_POLICY_READONLY_REQUIRED"), classCredentials},
		{403, failure("IP_NOT_ALLOWED"), classCredentials},
		{403, failure("MANAGEMENT_KEY_NO_ENTITY_ACCESS"), classCredentials},
		{403, html, classCredentials},
		{404, failure("NOT_FOUND"), classCredentials},
		{404, html, classCredentials},
		{405, ``, classCredentials},

		{429, failure("RATE_LIMITED"), classThrottled},
		{429, failure("ERROR_LOOP_DETECTED"), classThrottled},
		{429, html, classThrottled},
		{500, failure("INTERNAL_ERROR"), classDoubt},
		{500, failure("INVALID_REQUEST"), classDoubt}, // the status weighs more
		{502, failure("BITRIX_UNAVAILABLE"), classDoubt},
		{502, html, classDoubt},
		{503, html, classDoubt},
		{504, failure("QUEUE_TIMEOUT"), classDoubt},
		{301, html, classDoubt},
		{308, ``, classDoubt},
		{408, ``, classDoubt},
		{418, failure("NEVER_SEEN"), classDoubt},
		{599, ``, classDoubt},
	} {
		now := time.Now()
		got := created(answer{status: test.status, body: []byte(test.body), header: http.Header{}, written: now, answered: now}, way{}, now)
		if got.class != test.want {
			t.Errorf("%d %s: %v, want %v", test.status, test.body, got.class, test.want)
		}
	}
}

func TestClassifyTransportFailures(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, test := range map[string]struct {
		err     error
		written bool
		want    class
		code    string
	}{
		"refused":             {dial, false, classNotApplied, "UNREACHABLE"},
		"name unknown":        {&net.OpError{Op: "dial", Err: &net.DNSError{}}, false, classNotApplied, "DNS"},
		"certificate":         {&tls.CertificateVerificationError{}, false, classNotApplied, "TLS"},
		"reset before write":  {syscall.ECONNRESET, false, classNotApplied, "CONNECTION_LOST"},
		"reset after write":   {syscall.ECONNRESET, true, classDoubt, "CONNECTION_LOST"},
		"closed after write":  {io.EOF, true, classDoubt, "CONNECTION_LOST"},
		"timeout unwritten":   {errTimeout, false, classNotApplied, "TIMEOUT"},
		"timeout after write": {errTimeout, true, classDoubt, "TIMEOUT"},
	} {
		a := answer{err: test.err}
		if test.written {
			a.written = time.Now()
		}
		if got := created(a, way{}, time.Now()); got.class != test.want || got.code != test.code {
			t.Errorf("%s: %v %s, want %v %s", name, got.class, got.code, test.want, test.code)
		}
	}
}

// A body that broke off tells nothing, whatever its status began with.
func TestClassifyTruncatedBody(t *testing.T) {
	now := time.Now()
	for status, want := range map[int]class{201: classDoubt, 400: classDoubt, 502: classDoubt, 413: classTooLarge, 429: classThrottled} {
		a := answer{status: status, body: []byte(failure("INVALID_REQUEST")), err: io.ErrUnexpectedEOF, written: now, answered: now}
		if got := created(a, way{}, now); got.class != want {
			t.Errorf("%d cut off: %v, want %v", status, got.class, want)
		}
	}
}

func TestClassifyLease(t *testing.T) {
	lost := errors.New("gone")
	if got := classify(answer{lease: lost, written: time.Now()}, time.Now()); got.class != classLeaseLost || !errors.Is(got.lease, lost) {
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
		if got := classify(a, now).retryAfter; got != test.want {
			t.Errorf("header %q, body %q: %v, want %v", test.header, test.body, got, test.want)
		}
	}
}
