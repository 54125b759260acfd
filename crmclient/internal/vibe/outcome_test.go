package vibe

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// data is a successful outcome with that data.
func data(text string) Outcome { return Outcome{Class: Done, Status: 200, Data: json.RawMessage(text)} }

func TestItems(t *testing.T) {
	const id = `{"id":7}`
	for name, test := range map[string]struct {
		status int
		body   string
		want   string // classes, or code where there is one; "": the answer does not tell the calls apart
	}{
		"all well":               {200, `{"success":true,"data":{"results":{"0":` + id + `,"1":` + id + `},"errors":{}}}`, "done done"},
		"one refused":            {200, `{"data":{"results":{"1":` + id + `},"errors":{"0":{"code":"VALIDATION_ERROR"}}}}`, "refused:VALIDATION_ERROR done"},
		"one throttled":          {200, `{"data":{"results":{"0":` + id + `},"errors":{"1":{"code":"RATE_LIMITED"}}}}`, "done throttled:RATE_LIMITED"},
		"one in neither":         {200, `{"data":{"results":{"1":` + id + `}}}`, "doubt:NO_RESULT done"},
		"lists for maps":         {200, `{"data":{"results":[` + id + `,` + id + `],"errors":[]}}`, "done done"},
		"an unreadable error":    {200, `{"data":{"results":{"0":` + id + `},"errors":{"1":"no"}}}`, "done doubt"},
		"ids of others":          {200, `{"data":{"results":{"00":` + id + `,"2":` + id + `,"-1":` + id + `}}}`, "doubt:NO_RESULT doubt:NO_RESULT"},
		"nothing":                {200, `{"data":{}}`, "doubt:NO_RESULT doubt:NO_RESULT"},
		"no data":                {200, `{"success":true}`, ""},
		"data that is null":      {200, `{"success":true,"data":null}`, ""},
		"data that is a list":    {200, `{"data":[]}`, ""},
		"validation of each":     {400, `{"success":false,"error":{"code":"INVALID_REQUEST"},"data":{"errors":{"0":{"code":"INVALID_PARAMS"},"1":{"code":"INVALID_PARAMS"}}}}`, "refused:INVALID_PARAMS refused:INVALID_PARAMS"},
		"400 without errors":     {400, `{"success":false,"error":{"code":"INVALID_REQUEST"},"data":{"errors":{}}}`, ""},
		"failed with items":      {502, `{"success":false,"error":{"code":"BITRIX_UNAVAILABLE"},"data":{"results":{"0":` + id + `},"errors":{"1":{"code":"CONFLICT"}}}}`, ""},
		"a secret for a code":    {200, `{"data":{"results":{},"errors":{"0":{"code":"vibe_api_1"},"1":{"code":"a b"}}}}`, "doubt doubt"},
		"the last of a kind":     {200, `{"data":{"results":{"0":` + id + `},"results":{"1":` + id + `}}}`, "doubt:NO_RESULT done"},
		"an answer in capitals":  {200, `{"DATA":{"results":{"0":` + id + `,"1":` + id + `}}}`, "done done"},
		"a result that is null":  {200, `{"data":{"results":{"0":null,"1":` + id + `}}}`, "done done"},
		"both result and error":  {200, `{"data":{"results":{"0":` + id + `},"errors":{"0":{"code":"CONFLICT"},"1":{"code":"CONFLICT"}}}}`, "done refused:CONFLICT"},
		"success told as a text": {200, `{"success":"yes","data":{"results":{"0":` + id + `}}}`, ""},
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", "r-1")
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		o := c.Do(t.Context(), CreateBatch(contactsOf(`{}`, `{}`), nil))
		var got []string
		for _, item := range o.Items {
			s := item.Class.String()
			if item.Code != "" {
				s += ":" + item.Code
			}
			got = append(got, s)
			if !item.Item || item.Status != test.status || item.RequestID != "r-1" || item.Written != o.Written || item.Answered != o.Answered {
				t.Errorf("%s: %+v of %+v", name, item, o)
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: %q, want %q", name, s, test.want)
		}
	}
}

// What the CRM says of one call is kept, without our secrets.
func TestItemsKeepWords(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"errors":{"0":{"code":"VALIDATION_ERROR","message":"no, vibe_api_1","retryAfter":"3"}}}}`)
	})
	o := c.Do(t.Context(), CreateBatch(contactsOf(`{}`), nil))
	if len(o.Items) != 1 || o.Items[0].Message != "no, ***" || o.Items[0].RetryAfter != 3*time.Second {
		t.Errorf("%+v", o)
	}
}

func TestCreated(t *testing.T) {
	field := ParseIDField("originId")
	o, id, marks := data(`{"id":"7","originId":"lb-1","originatorId":"us"}`).Created(field)
	if o.Class != Done || id != 7 || !field.Carries(marks, "us", "lb-1") {
		t.Errorf("%+v, %d, %v", o, id, marks)
	}
	if o, id, _ := data(`{"originId":"lb-1"}`).Created(field); o.Class != Doubt || o.Code != CodeNoID || id != 0 {
		t.Errorf("without an id: %+v, %d", o, id)
	}
	if o, id, _ := (Outcome{Class: Refused, Data: json.RawMessage(`{"id":7}`)}).Created(field); o.Class != Refused || id != 0 {
		t.Errorf("refused: %+v, %d", o, id)
	}
}

func TestPage(t *testing.T) {
	for name, test := range map[string]struct {
		data, meta        string
		rows              int
		more, whole, full bool
		ok                bool
	}{
		"rows":             {data: `[{"id":1},{"id":2}]`, rows: 2, ok: true},
		"none":             {data: `[]`, ok: true},
		"more":             {data: `[{"id":1}]`, meta: `{"hasMore":true}`, rows: 1, more: true, full: true, ok: true},
		"truncated":        {data: `[{"id":1}]`, meta: `{"truncated":true}`, rows: 1, more: true, full: true, ok: true},
		"counted":          {data: `[{"id":1}]`, meta: `{"total":1}`, rows: 1, whole: true, ok: true},
		"counted more":     {data: `[{"id":1}]`, meta: `{"total":2}`, rows: 1, ok: true},
		"as many as asked": {data: `[1,2,3]`, rows: 3, full: true, ok: true},
		"in an object":     {data: `{"items":[{"id":1}]}`, rows: 1, ok: true},
		"no list":          {data: `{"id":1}`},
		"null":             {data: `null`},
		"no data":          {meta: `{"total":0}`, whole: true},
	} {
		o := data(test.data)
		o.Meta = json.RawMessage(test.meta)
		p, ok := o.Page()
		if len(p.Rows) != test.rows || p.More != test.more || p.Whole != test.whole || p.MayLack(3) != test.full || ok != test.ok {
			t.Errorf("%s: %+v, %v", name, p, ok)
		}
	}
}

// What stands beside the rows reaches the page, of a search and of each list in a batch.
func TestPageOfAnswers(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/search") {
			_, _ = io.WriteString(w, `{"data":[{"id":1}],"meta":{"hasMore":true}}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"results":{"0":[],"1":[{"id":1}]},"meta":{"1":{"hasMore":true}}}}`)
	})
	if p, ok := c.Do(t.Context(), Search(Contacts, nil, nil, 50)).Page(); !ok || !p.More || len(p.Rows) != 1 {
		t.Errorf("search: %+v, %v", p, ok)
	}
	for i, item := range c.Do(t.Context(), ListBatch(Contacts, nil, 50, nil, nil)).Items {
		if p, ok := item.Page(); !ok || p.More != (i == 1) || len(p.Rows) != i {
			t.Errorf("list %d: %+v, %v", i, p, ok)
		}
	}
}

func TestRows(t *testing.T) {
	for text, want := range map[string]int{
		`[{"id":1}]`: 1, `{"items":[1,2]}`: 2, `{"fields":[1]}`: 1, `{"userFields":[1]}`: 1, `{"userfields":[1]}`: 1,
		`{"others":[1]}`: 0, `"text"`: 0, ``: 0,
	} {
		if rows := data(text).Rows(); len(rows) != want || want == 0 && rows != nil {
			t.Errorf("%s: %v", text, rows)
		}
	}
}

func TestRowText(t *testing.T) {
	r := Row(`{"a":"x","b":["y"],"c":["y","z"],"d":1,"UF_CRM_E":"u","f":null}`)
	for name, want := range map[string]string{"a": "x", "b": "y", "c": "", "d": "", "ufCrm_E": "u", "ufcrme": "u", "f": "", "g": ""} {
		if got := r.Text(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := Row(`[]`).Text("a"); got != "" {
		t.Errorf("of a list: %q", got)
	}
}

func TestMe(t *testing.T) {
	expires := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]Identity{
		`{"type":"personal","portal":"a.bitrix24.ru","scopes":["crm"],"rateLimit":{"requestsPerSecond":10},"expiresAt":"2026-04-15T12:00:00Z"}`: {
			Type: "personal", Portal: "a.bitrix24.ru", Scopes: []string{"crm"}, RequestsPerSecond: 10, ExpiresAt: expires},
		`{"portal":{"domain":"a.bitrix24.ru"},"rateLimit":{"requestsPerSecond":"2.5"}}`: {Portal: "a.bitrix24.ru", RequestsPerSecond: 2.5},
		`{"portal":{"url":"https://a.bitrix24.ru/x"},"scopes":"crm","type":"p"}`:        {Portal: "https://a.bitrix24.ru/x", Type: "p"},
		`{"type":"` + strings.Repeat("x", 100) + `","expiresAt":"never"}`:               {Type: strings.Repeat("x", 32)},
		`[]`: {},
	} {
		if diff := cmp.Diff(want, data(text).Me()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestIdentityHost(t *testing.T) {
	for portal, want := range map[string]string{
		"a.bitrix24.ru": "a.bitrix24.ru", " https://a.bitrix24.ru/crm ": "a.bitrix24.ru", "": "", "portal": "", "a@b.ru": "", "a.ru?x": "", "<a.b>": "",
	} {
		if got := (Identity{Portal: portal}).Host(); got != want {
			t.Errorf("%q: %q, want %q", portal, got, want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	for _, test := range []struct {
		limit, remaining, reset string
		want                    RateLimit
	}{
		{"300", "90", "60", RateLimit{Told: true, Limit: 300, Remaining: 90, Reset: time.Minute}},
		{"", "0", "", RateLimit{Told: true}},
		{"0.5", "0", "-1", RateLimit{Told: true}},
		{"NaN", "1", "1e9", RateLimit{Told: true, Remaining: 1, Reset: time.Hour}},
		{"300", "", "60", RateLimit{}},
		{"300", "soon", "60", RateLimit{}},
		{"300", "NaN", "60", RateLimit{}},
		{"300", "-5", "60", RateLimit{}},
		{"300", "Inf", "60", RateLimit{}},
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-RateLimit-Limit", test.limit)
			w.Header().Set("X-RateLimit-Remaining", test.remaining)
			w.Header().Set("X-RateLimit-Reset", test.reset)
		})
		if got := c.Do(t.Context(), Me()).RateLimit; got != test.want {
			t.Errorf("%+v: %+v", test, got)
		}
	}
}

func TestBlamesKeyAndNotOffered(t *testing.T) {
	for _, test := range []struct {
		o               Outcome
		key, notOffered bool
	}{
		{Outcome{Status: 401}, true, false},
		{Outcome{Status: 402}, true, false},
		{Outcome{Status: 403}, false, false},
		{Outcome{Status: 403, Code: "SCOPE_DENIED"}, true, false},
		{Outcome{Status: 403, Code: "BITRIX_ACCESS_DENIED"}, false, false},
		{Outcome{Status: 404}, false, true},
		{Outcome{Status: 405}, false, true},
		{Outcome{Code: "TOKEN_EXPIRED", Item: true}, true, false},
		{Outcome{}, false, false},
	} {
		if test.o.BlamesKey() != test.key || test.o.NotOffered() != test.notOffered {
			t.Errorf("%+v: %v, %v", test.o, test.o.BlamesKey(), test.o.NotOffered())
		}
	}
}

// JSON that is not an object is not the CRM's.
func TestAnswerThatIsNoObject(t *testing.T) {
	for _, body := range []string{"null", "[]", `"text"`, "1", ""} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if o := c.Do(t.Context(), Me()); o.Class != Doubt {
			t.Errorf("%s: %v", body, o.Class)
		}
	}
}

// An answer that is too long is told from one that cannot be read.
func TestTooLongAnswer(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":"`+strings.Repeat("x", maxAnswer)+`"}`)
	})
	if o := c.Do(t.Context(), Me()); o.Class != Doubt || o.Code != CodeTooLong || o.Data != nil {
		t.Errorf("%v %s, %d bytes", o.Class, o.Code, len(o.Data))
	}
}
