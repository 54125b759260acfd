package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask sends a request to a portal and returns the status and the body.
func ask(t *testing.T, p *Portal, method, path, body string) (int, map[string]any) {
	t.Helper()
	res := answerOf(p, method, path, body)
	var decoded map[string]any
	if err := json.Unmarshal(res.Body.Bytes(), &decoded); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, res.Body)
	}
	return res.Code, decoded
}

func answerOf(p *Portal, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", "vibe_api_test")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// at reads a value out of decoded JSON: at(body, "error", "code").
func at(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func newPortal(t *testing.T, c Config) *Portal {
	t.Helper()
	p := New(c)
	t.Cleanup(p.Close)
	return p
}

// contact is a contact as JSON; n tells contacts apart.
func contact(n int, name string) string {
	return fmt.Sprintf(`{"name":%q,"originId":"lb-%d","phone":[{"value":"+7916000%04d","typeId":"WORK"}],"email":[{"value":"lead.%d@example.com","typeId":"WORK"}]}`, name, n, n, n)
}

// batch is the body of a batch that creates contacts.
func batch(contacts ...string) string {
	calls := make([]string, len(contacts))
	for i, c := range contacts {
		calls[i] = fmt.Sprintf(`{"id":"k%d","entity":"contacts","action":"create","params":%s}`, i, c)
	}
	return `{"calls":[` + strings.Join(calls, ",") + `]}`
}

func TestKeys(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	for _, c := range []struct{ key, bearer, path, code string }{
		{"", "", "/v1/me", "MISSING_API_KEY"},
		{"vibe_live_x", "", "/v1/me", "WRONG_KEY_TYPE"},
		{"secret", "", "/v1/me", "INVALID_API_KEY"},
		{"vibe_app_x", "", "/v1/contacts/fields", "TOKEN_MISSING"},
		{"vibe_app_x", "", "/v1/me", ""},
		{"vibe_app_x", "session", "/v1/contacts/fields", ""},
		{"vibe_api_x", "", "/v1/contacts/fields", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header.Set("X-Api-Key", c.key)
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		var body struct{ Error struct{ Code string } }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if body.Error.Code != c.code || (w.Code == http.StatusOK) != (c.code == "") {
			t.Errorf("key %q, session %q: %d %q, not %q", c.key, c.bearer, w.Code, body.Error.Code, c.code)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	status, body := ask(t, p, http.MethodPost, "/v1/contacts", `{"name":"Ivan","misspelt":"x","phone":"+79161234567","email":["a@example.com"],"companyId":15,"opened":true}`)
	if status != http.StatusCreated || at(body, "data", "id") != 1001.0 || at(body, "data", "companyId") != 15.0 || at(body, "data", "misspelt") != nil {
		t.Errorf("%d %v", status, body)
	}
	for _, c := range []struct{ contact, code string }{
		{`[]`, "INVALID_REQUEST"},
		{`{}`, "INVALID_REQUEST"},
		{`{"name":5}`, "INVALID_PARAMS"},
		{`{"companyId":"15"}`, "INVALID_PARAMS"},
		{`{"opened":"Y"}`, "INVALID_PARAMS"},
		{`{"phone":[{"VALUE":"+79161234567","VALUE_TYPE":"WORK"}]}`, "INVALID_MULTIFIELD_SHAPE"},
	} {
		if status, body := ask(t, p, http.MethodPost, "/v1/contacts", c.contact); status != http.StatusBadRequest || at(body, "error", "code") != c.code {
			t.Errorf("%s: %d %v", c.contact, status, body)
		}
	}
	if n := len(p.Contacts()); n != 1 {
		t.Errorf("%d contacts", n)
	}
	if status, _ := ask(t, p, http.MethodGet, "/v1/nowhere", ""); status != http.StatusNotFound {
		t.Errorf("an unknown path answers %d", status)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	for n := range 3 {
		ask(t, p, http.MethodPost, "/v1/contacts", contact(n, fmt.Sprintf("Name%d", n)))
	}
	later := time.Now().Add(time.Hour).Format(time.RFC3339)
	for filter, want := range map[string]int{
		`{"originId":"lb-1"}`:                                     1,
		`{"originId":"lb"}`:                                       0,
		`{"originId":{"$in":["lb-0","lb-2","lb-9"]}}`:             2,
		`{"originId":{"$ne":"lb-0"}}`:                             2,
		`{"email":"lead.2@example.com"}`:                          1,
		`{"phone":{"$in":["+79160000001","79160000001"]}}`:        1,
		`{"name":{"$contains":"ame1"}}`:                           1,
		`{"id":{"$gt":1001}}`:                                     2,
		`{"id":{"$gte":1001,"$lt":1003}}`:                         2,
		`{"createdTime":{"$gte":"2020-01-01T00:00:00Z"}}`:         3,
		`{"createdTime":{"$gte":"` + later + `"}}`:                0,
		`{"createdTime":{"$lte":"` + later + `"},"name":"Name0"}`: 1,
	} {
		_, body := ask(t, p, http.MethodPost, "/v1/contacts/search", `{"filter":`+filter+`,"select":["id","originId"]}`)
		rows, _ := at(body, "data").([]any)
		if len(rows) != want || at(body, "meta", "total") != float64(want) {
			t.Errorf("%s found %v", filter, body)
		}
		for _, row := range rows {
			if at(row, "originId") == nil || at(row, "name") != nil {
				t.Errorf("%s: the row %v has not what was selected", filter, row)
			}
		}
	}
	_, body := ask(t, p, http.MethodPost, "/v1/contacts/search", `{"limit":2}`)
	if rows, _ := at(body, "data").([]any); len(rows) != 2 || at(body, "meta", "hasMore") != true {
		t.Errorf("a page of two: %v", body)
	}
	for filter, code := range map[string]string{`{"unknown":1}`: "INVALID_FILTER_FIELD", `{"name":{"$like":"a"}}`: "INVALID_FILTER"} {
		if status, body := ask(t, p, http.MethodPost, "/v1/contacts/search", `{"filter":`+filter+`}`); status != http.StatusBadRequest || at(body, "error", "code") != code {
			t.Errorf("%s: %d %v", filter, status, body)
		}
	}
	blind := newPortal(t, Config{BlindContains: true})
	ask(t, blind, http.MethodPost, "/v1/contacts", contact(0, "Name"))
	if _, body := ask(t, blind, http.MethodPost, "/v1/contacts/search", `{"filter":{"name":{"$contains":"Na"}}}`); at(body, "meta", "total") != 0.0 {
		t.Errorf("$contains found %v", body)
	}
}

func TestIndexDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{IndexDelay: time.Second})
		ask(t, p, http.MethodPost, "/v1/contacts", contact(1, "Name"))
		var got []any
		for range 2 {
			_, body := ask(t, p, http.MethodPost, "/v1/contacts/search", `{"filter":{"originId":"lb-1"}}`)
			got = append(got, at(body, "meta", "total"))
			time.Sleep(time.Second)
		}
		if diff := cmp.Diff([]any{0.0, 1.0}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestIDStores(t *testing.T) {
	t.Parallel()
	const made = `{"userTypeId":"string","fieldName":"LEADBRIDGE_EVENT_ID","label":"id","showFilter":"Y"}`
	for _, c := range []struct {
		store    IDStore
		native   bool
		makes    int
		spelling string
	}{
		{OriginID, true, http.StatusCreated, "originId"},
		{UserField, false, http.StatusCreated, "UF_CRM_LEADBRIDGE_EVENT_ID"},
		{NoIDStore, false, http.StatusForbidden, ""},
	} {
		p := newPortal(t, Config{IDStore: c.store})
		if _, body := ask(t, p, http.MethodGet, "/v1/contacts/fields", ""); (at(body, "data", "fields", "originId") != nil) != c.native {
			t.Errorf("store %d: fields are %v", c.store, body)
		}
		if status, body := ask(t, p, http.MethodPost, "/v1/userfields/contacts", made); status != c.makes {
			t.Errorf("store %d: a user field: %d %v", c.store, status, body)
		}
		if c.spelling == "" {
			continue
		}
		ask(t, p, http.MethodPost, "/v1/contacts", `{"name":"A","`+c.spelling+`":"lb-7"}`)
		if got := p.ByOrigin()["lb-7"]; len(got) != 1 {
			t.Errorf("store %d: the audit finds %v", c.store, got)
		}
		_, body := ask(t, p, http.MethodPost, "/v1/contacts/search", `{"filter":{"`+c.spelling+`":"lb-7"}}`)
		if at(body, "meta", "total") != 1.0 {
			t.Errorf("store %d: a look-up finds %v", c.store, body)
		}
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	status, body := ask(t, p, http.MethodPost, "/v1/batch", batch(contact(1, "A"), `{"name":5}`, contact(2, "B")))
	if status != http.StatusOK || at(body, "success") != true || at(body, "data", "errors", "k1", "code") != "INVALID_PARAMS" ||
		at(body, "data", "results", "k2", "id") != 1002.0 || at(body, "data", "summary", "failed") != 1.0 {
		t.Errorf("%d %v", status, body)
	}
	list := `{"calls":[{"id":"a","entity":"contacts","action":"list","params":{"filter":{"originId":"lb-1"},"limit":50}},{"id":"b","entity":"deals","action":"list"}]}`
	if _, body := ask(t, p, http.MethodPost, "/v1/batch", list); at(body, "data", "totals", "a") != 1.0 || at(body, "data", "errors", "b", "code") != "INVALID_REQUEST" {
		t.Errorf("lists: %v", body)
	}
	status, body = ask(t, p, http.MethodPost, "/v1/batch", batch(`{"name":5}`, `{"name":6}`))
	if status != http.StatusBadRequest || at(body, "error", "code") != "INVALID_REQUEST" || at(body, "data", "errors", "k0", "code") != "INVALID_PARAMS" {
		t.Errorf("all calls fail validation: %d %v", status, body)
	}
	many := make([]string, maxCalls+1)
	for i := range many {
		many[i] = contact(i, "A")
	}
	for name, text := range map[string]string{"too many": batch(many...), "none": `{"calls":[]}`, "no JSON": `{`, "one id": strings.ReplaceAll(batch(contact(1, "A"), contact(2, "A")), "k1", "k0"), "no id": `{"calls":[{"id":""}]}`} {
		if status, _ := ask(t, p, http.MethodPost, "/v1/batch", text); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	for _, n := range []int{1, 2, 1} {
		ask(t, p, http.MethodPost, "/v1/contacts", contact(n, "A"))
	}
	got := map[string]int{}
	for id, contacts := range p.ByOrigin() {
		got[id] = len(contacts)
	}
	if diff := cmp.Diff(map[string]int{"lb-1": 2, "lb-2": 1}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"lead.2@example.com"}, p.Contacts()[1].Emails()); diff != "" {
		t.Error(diff)
	}
	if s := p.Stats(); s.Requests != 3 || s.Creates != 3 || s.Lookups != 0 {
		t.Errorf("counts are %+v", s)
	}
}

func TestOptionalPaths(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Documented())
	_, body := ask(t, p, http.MethodGet, "/v1/statuses?filter[entityId]=SOURCE", "")
	if rows, _ := at(body, "data").([]any); len(rows) == 0 {
		t.Errorf("sources: %v", body)
	}
	if _, body := ask(t, p, http.MethodGet, "/v1/me", ""); at(body, "data", "rateLimit", "requestsPerSecond") != 10.0 {
		t.Errorf("me: %v", body)
	}
}

// TestFaultsOfConnections has clients that have given up already, so that nothing hangs
// for long.
func TestFaultsOfConnections(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	p.Break(Fault{Scope: Writes, Marker: "Lost", Effect: LoseAnswer})
	p.Break(Fault{Scope: Writes, Marker: "Hung", Effect: Hang})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	cut := func(body string) (cut bool) {
		r := httptest.NewRequestWithContext(gone, http.MethodPost, "/v1/contacts", strings.NewReader(body))
		r.Header.Set("X-Api-Key", "vibe_api_test")
		defer func() {
			err, _ := recover().(error)
			cut = errors.Is(err, http.ErrAbortHandler)
		}()
		p.ServeHTTP(httptest.NewRecorder(), r)
		return false
	}
	for i, name := range []string{"Lost", "Hung", "Good"} {
		if cut(contact(i, name)) != (name != "Good") {
			t.Errorf("%s: the connection is not as it should be", name)
		}
	}
	var names []string
	for _, c := range p.Contacts() {
		names = append(names, c.Fields["name"].(string))
	}
	if diff := cmp.Diff([]string{"Lost", "Good"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"lead.0@example.com": 1, "lead.1@example.com": 1}, p.Troubled()); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	p.Break(Fault{Marker: "Refused", Status: http.StatusBadRequest, Code: "VALIDATION_ERROR"})
	p.Break(Fault{Marker: "404", Status: http.StatusForbidden, Code: "BITRIX_ACCESS_DENIED"})
	p.Break(Fault{Scope: Lookups, Status: http.StatusServiceUnavailable, RetryAfter: time.Hour})
	single := func(body string) int { return answerOf(p, http.MethodPost, "/v1/contacts", body).Code }
	if got := []int{single(contact(1, "Refused")), single(`{"name":"A","assignedById":404}`), single(contact(2, "Good"))}; !cmp.Equal(got, []int{400, 403, 201}) {
		t.Errorf("singles answer %v", got)
	}
	_, body := ask(t, p, http.MethodPost, "/v1/batch", batch(contact(3, "Refused"), contact(4, "Good")))
	if at(body, "data", "errors", "k0", "code") != "VALIDATION_ERROR" || at(body, "data", "results", "k1") == nil {
		t.Errorf("a batch: %v", body)
	}
	if res := answerOf(p, http.MethodPost, "/v1/contacts/search", `{}`); res.Code != 503 || res.Header().Get("Retry-After") != "3600" {
		t.Errorf("a search: %d %v", res.Code, res.Header())
	}
	mend := p.Break(Fault{Scope: Batches, Status: http.StatusNotFound})
	if res := answerOf(p, http.MethodPost, "/v1/batch", batch(contact(5, "Good"))); res.Code != http.StatusNotFound {
		t.Errorf("a batch of a portal without: %d", res.Code)
	}
	if n := p.Troubled()["lead.5@example.com"]; n != 0 {
		t.Errorf("a batch that fails as a whole is trouble of %d of its contacts", n)
	}
	if n := p.Troubled()["lead.1@example.com"]; n != 1 {
		t.Errorf("a refusal is trouble of %d of its contacts", n)
	}
	mend()
	if res := answerOf(p, http.MethodPost, "/v1/batch", batch(contact(6, "Good"))); res.Code != http.StatusOK {
		t.Errorf("a batch of a mended portal: %d", res.Code)
	}
	p.Break(Fault{Scope: All, Times: 2, Status: http.StatusUnauthorized, Code: "KEY_INACTIVE"})
	if got := []int{single(contact(7, "Good")), single(contact(8, "Good")), single(contact(9, "Good"))}; !cmp.Equal(got, []int{401, 401, 201}) {
		t.Errorf("a fault that befalls two: %v", got)
	}
}

func TestShareOfRequests(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{Seed: 7})
	p.Break(Fault{Scope: Writes, Share: .25, Status: http.StatusInternalServerError})
	failed := 0
	for n := range 400 {
		if answerOf(p, http.MethodPost, "/v1/contacts", contact(n, "A")).Code == http.StatusInternalServerError {
			failed++
		}
	}
	if failed < 70 || failed > 130 || len(p.Contacts()) != 400-failed {
		t.Errorf("%d of 400 failed, %d contacts", failed, len(p.Contacts()))
	}
}

func TestMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{PerMinute: 3})
		var got []string
		look := func() {
			res := answerOf(p, http.MethodGet, "/v1/me", "")
			h := res.Header()
			got = append(got, fmt.Sprint(res.Code, " ", h.Get("X-RateLimit-Remaining"), "/", h.Get("X-RateLimit-Limit"), " ", h.Get("X-RateLimit-Reset"), " ", h.Get("Retry-After")))
		}
		for range 4 {
			look()
			time.Sleep(10 * time.Second)
		}
		time.Sleep(20 * time.Second)
		look()
		if diff := cmp.Diff([]string{"200 2/3 60 ", "200 1/3 50 ", "200 0/3 40 ", "429 0/3 30 30", "200 0/3 10 "}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{PerSecond: 2})
		var got []int
		for range 3 {
			got = append(got, answerOf(p, http.MethodGet, "/v1/me", "").Code)
		}
		time.Sleep(time.Second)
		search := `{"calls":[{"id":"a","entity":"contacts","action":"search"},{"id":"b","entity":"contacts","action":"search"}]}`
		got = append(got, answerOf(p, http.MethodPost, "/v1/batch", search).Code, answerOf(p, http.MethodGet, "/v1/me", "").Code)
		if diff := cmp.Diff([]int{200, 200, 502, 200, 502}, got); diff != "" {
			t.Error(diff)
		}
		if s := p.Stats(); s.Over != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestQueue has one slot and requests of 20 s: the second waits for the first, the third
// for both, which is too long.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{Slots: 1, Request: 20 * time.Second})
		began := time.Now()
		got := make([]string, 3)
		var all sync.WaitGroup
		for i := range got {
			time.Sleep(time.Second)
			all.Go(func() {
				res := answerOf(p, http.MethodPost, "/v1/contacts", contact(i, "A"))
				got[i] = fmt.Sprint(res.Code, " ", time.Since(began))
			})
		}
		all.Wait()
		if diff := cmp.Diff([]string{"201 21s", "201 41s", "504 33s"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestBatchTakesItsTime finds items appear one after another.
func TestBatchTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{Request: time.Second, Item: 100 * time.Millisecond})
		began := time.Now()
		answerOf(p, http.MethodPost, "/v1/batch", batch(contact(1, "A"), contact(2, "A")))
		var got []time.Duration
		for _, c := range p.Contacts() {
			got = append(got, c.Created.Sub(began))
		}
		if diff := cmp.Diff([]time.Duration{1100 * time.Millisecond, 1200 * time.Millisecond}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestErrorLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, Config{ErrorLoop: 3})
		p.Break(Fault{Marker: "Bad", Status: http.StatusBadRequest, Code: "VALIDATION_ERROR"})
		create := func(name string) string {
			_, body := ask(t, p, http.MethodPost, "/v1/contacts", contact(1, name))
			return fmt.Sprint(at(body, "error", "code"))
		}
		var got []string
		for _, name := range []string{"Bad", "Bad", "Good", "Bad", "Bad", "Bad", "Good"} {
			got = append(got, create(name))
		}
		time.Sleep(blockTime)
		got = append(got, create("Good"))
		const refused, loop, none = "VALIDATION_ERROR", "ERROR_LOOP_DETECTED", "<nil>"
		if diff := cmp.Diff([]string{refused, refused, none, refused, refused, refused, loop, none}, got); diff != "" {
			t.Error(diff)
		}
		for range 3 {
			create("Bad")
		}
		probes := 0
		for range 2 * probeEvery {
			if create("Bad") == refused {
				probes++
			}
		}
		if probes != 2 {
			t.Errorf("%d of %d calls of a blocked key went through", probes, 2*probeEvery)
		}
		for range probeEvery - 1 {
			create("Good")
		}
		if a, b := create("Good"), create("Good"); a != none || b != none {
			t.Errorf("a probe that passes ends the block: %s, %s", a, b)
		}
	})
}

func TestRevokedKey(t *testing.T) {
	t.Parallel()
	p := newPortal(t, Config{})
	if status, _ := ask(t, p, http.MethodGet, "/v1/me", ""); status != http.StatusOK {
		t.Errorf("before: %d", status)
	}
	p.Revoke("vibe_api_other")
	if status, _ := ask(t, p, http.MethodGet, "/v1/me", ""); status != http.StatusOK {
		t.Errorf("another key is revoked: %d", status)
	}
	p.Revoke("vibe_api_test")
	if status, body := ask(t, p, http.MethodGet, "/v1/me", ""); status != http.StatusUnauthorized || at(body, "error", "code") != "INVALID_API_KEY" {
		t.Errorf("%d %v", status, body)
	}
}
