package admin

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

type found struct {
	Total   int
	Cut     int
	AsOf    time.Time
	Letters []listed
}

func (r *rig) search(body string) found {
	r.t.Helper()
	return read[found](r, "POST", "/api/letters/search", body)
}

func ids(f found) (all []string) {
	for _, l := range f.Letters {
		all = append(all, l.EventID)
	}
	return all
}

// TestSearch looks for letters in every way. Nothing that it answers tells who they are about.
func TestSearch(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		anna := letterNo(1)
		anna.value = `{"name":"Zacharias Canary","email":"zacharias.canary@secret.example","phone":"+79161234599","note":"call \"me\""}`
		odd := letterNo(2)
		odd.reason, odd.code, odd.value = "MALFORMED_EVENT", "", "no json, but Canary"
		r.seed(letterNo(0), anna, odd, letterNo(3))
		now := time.Now()
		for name, c := range map[string]struct {
			body string
			want []int
		}{
			"all":             {`{}`, []int{3, 2, 1, 0}},
			"by reason":       {`{"reasons":["crm_refused"]}`, []int{3, 1, 0}},
			"by code":         {`{"codes":["VALIDATION_ERROR"],"except":["0:0"]}`, []int{3, 1}},
			"by text":         {`{"text":"cANARY"}`, []int{2, 1}},
			"by e-mail":       {`{"text":" zacharias.canary@SECRET.example "}`, []int{1}},
			"by phone":        {`{"text":"+79161234599"}`, []int{1}},
			"by key":          {`{"text":"key-3@example"}`, []int{3}},
			"by event id":     {`{"text":"ce:/site 0"}`, []int{0}},
			"replayed":        {`{"states":["replayed","erased"]}`, nil},
			"open":            {`{"states":["open"],"text":"secret"}`, []int{1}},
			"since":           {fmt.Sprintf(`{"since":%q}`, now.Add(-2*time.Second).Format(time.RFC3339Nano)), []int{3, 2}},
			"until":           {fmt.Sprintf(`{"until":%q}`, now.Add(-2*time.Second).Format(time.RFC3339Nano)), []int{1, 0}},
			"nothing is so":   {`{"text":"nobody is called so"}`, nil},
			"no pattern":      {`{"text":".*"}`, nil},
			"a second page":   {`{"offset":1,"limit":2}`, []int{2, 1}},
			"behind the last": {`{"offset":9}`, nil},
		} {
			var want []string
			for _, n := range c.want {
				want = append(want, fmt.Sprintf("ce:/site %d", n))
			}
			f := r.search(c.body)
			if !slices.Equal(ids(f), want) {
				t.Errorf("%s: %q, want %q", name, ids(f), want)
			}
			if !strings.Contains(c.body, "offset") && f.Total != len(want) {
				t.Errorf("%s: total %d, want %d", name, f.Total, len(want))
			}
		}
		text := r.ask("POST", "/api/letters/search", `{}`).Body.String()
		for _, personal := range []string{"anary", "acharias", "secret", "234599", "Nobody", "nobody"} {
			if strings.Contains(text, personal) {
				t.Errorf("the list tells %q: %s", personal, text)
			}
		}
		if one := r.search(`{"text":"zacharias"}`).Letters[0]; one.Summary != "Z. C. · ***99 · z***@***.example" || one.Place != "1:0" || one.Attempts != 2 {
			t.Errorf("listed %+v", one)
		}
	})
}

// TestTenThousandLetters counts and orders many letters, page by page, and the counts of a state.
func TestTenThousandLetters(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		const n = 10_000
		all := make([]aLetter, n)
		for i := range all {
			all[i] = letterNo(i)
		}
		r.seed(all...)
		seen := n
		for offset := 0; offset < n; offset += listLimit {
			f := r.search(fmt.Sprintf(`{"offset":%d,"limit":%d}`, offset, listLimit))
			if f.Total != n || len(f.Letters) != listLimit {
				t.Fatalf("%d of %d at %d", len(f.Letters), f.Total, offset)
			}
			for _, l := range f.Letters {
				if seen--; l.EventID != fmt.Sprintf("ce:/site %d", seen) {
					t.Fatalf("%s at %d, want number %d", l.EventID, offset, seen)
				}
			}
		}
		if f := r.search(`{"text":"nobody.777@"}`); f.Total != 1 || f.Letters[0].EventID != "ce:/site 777" {
			t.Errorf("found %+v", f)
		}
		got := read[state](r, "GET", "/api/state", "").Letters
		if got.Open != n || len(got.ByReason) != 1 || got.ByReason[0].Open != n || got.ByReason[0].Advice == "" || got.Error != "" {
			t.Errorf("counts %+v", got)
		}
		sum := 0
		for _, hour := range got.ByReason[0].Trend {
			sum += hour
		}
		if len(got.ByReason[0].Trend) != 24 || sum != n || got.ByReason[0].Trend[23] < 3500 {
			t.Errorf("trend %v", got.ByReason[0].Trend)
		}
	})
}

// TestNewLettersAreSeen writes letters behind a page that is looked at.
func TestNewLettersAreSeen(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		if f := r.search(`{}`); f.Total != 1 {
			t.Fatalf("%d letters", f.Total)
		}
		r.seed(letterNo(1))
		time.Sleep(lettersEvery)
		if f := r.search(`{}`); f.Total != 2 {
			t.Errorf("%d letters, want 2", f.Total)
		}
	})
}

// TestLettersThatCannotBeRead tells why, and what to do.
func TestLettersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		w := r.ask("POST", "/api/letters/search", `{}`)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no.such.topic") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if got := read[state](r, "GET", "/api/state", "").Letters; !strings.Contains(got.Error, "check --fix") {
			t.Errorf("the state tells %+v", got)
		}
	}, func(c *Config) { c.DeadLetterTopic = "no.such.topic" })
	for err, words := range map[error]string{
		fmt.Errorf("x: %w", cluster.ErrNoTopic): "does not exist",
		context.DeadlineExceeded:                "in time",
		fmt.Errorf("boom"):                      "boom",
	} {
		if got := (&letters{}).problem(err).String(); !strings.Contains(got, words) {
			t.Errorf("%v is told as %q", err, got)
		}
	}
}

// TestLetter shows one letter in full: masked, and as it is when that is asked for.
func TestLetter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		one := letterNo(0)
		one.value = `{"name":"Zacharias Canary","email":"Zacharias@Canary.example","phone":"8 916 123-45-67","note":"Canary calls"}`
		r.seed(one)
		w := r.ask("GET", "/api/letters/0:0", "")
		for _, personal := range []string{"anary", "acharias", "123-45-67", "9161234567", "own header", "key-0"} {
			if strings.Contains(w.Body.String(), personal) {
				t.Errorf("the masked letter tells %q: %s", personal, w.Body)
			}
		}
		got := read[letter](r, "GET", "/api/letters/0:0", "")
		if !got.Masked || !got.Editable || got.State != "open" || got.Reason != "CRM_REFUSED" || got.Status != 400 || got.Original.Timestamp == "" ||
			strings.Contains(got.Advice, "--edit") || got.Value == nil || !strings.Contains(*got.Value, "***") || len(got.Contact) < 10 {
			t.Errorf("letter %+v", got)
		}
		if n := len(r.audits()); n != 0 {
			t.Errorf("%d audit lines for a masked letter", n)
		}
		whole := read[letter](r, "POST", "/api/letters/0:0/reveal", "{}")
		if whole.Masked || *whole.Value != one.value || *whole.Key != one.key || !strings.Contains(string(whole.Contact), "zacharias@canary.example") {
			t.Errorf("revealed %+v", whole)
		}
		var phone letterStep
		for _, s := range whole.Steps {
			if s.Field == "phone" {
				phone = s
			}
		}
		if !reflect.DeepEqual(phone, letterStep{Field: "phone", Key: "phone", Input: "8 916 123-45-67", Value: "+79161234567", Outcome: "normalised"}) {
			t.Errorf("the phone's way %+v", phone)
		}
		lines := r.audits()
		if len(lines) != 1 || lines[0]["audit"] != "reveal" || lines[0]["place"] != "0:0" || lines[0]["event_id"] != transform.PublicID(one.id) || lines[0]["who"] != "bearer" || lines[0]["remote"] == "" {
			t.Errorf("audit %v", lines)
		}
		for _, path := range []string{"/api/letters/0:7", "/api/letters/9:0"} {
			if w := r.ask("GET", path, ""); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if w := r.ask("GET", "/api/letters/none", ""); w.Code != http.StatusBadRequest {
			t.Errorf("a place that is none: %d", w.Code)
		}
	})
}

// TestLetterWithoutContact shows letters of which nothing can be built.
func TestLetterWithoutContact(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		broken, unreachable, foreign := letterNo(0), letterNo(2), letterNo(4)
		broken.value, unreachable.value = "Canary \xff no json", `{"name":"Canary","phone":"12"}`
		foreign.id = ""
		r.seed(broken, unreachable, foreign)
		got := read[letter](r, "GET", "/api/letters/0:0", "")
		if got.Editable || string(got.Contact) != "null" || !strings.HasPrefix(got.Rejected, "MALFORMED_EVENT: ") || strings.Contains(*got.Value, "Canary") {
			t.Errorf("broken %+v", got)
		}
		if whole := read[letter](r, "POST", "/api/letters/0:0/reveal", "{}"); !whole.ValueBinary || *whole.Value != "Q2FuYXJ5IP8gbm8ganNvbg==" {
			t.Errorf("broken, revealed %+v", whole)
		}
		got = read[letter](r, "GET", "/api/letters/0:1", "")
		if string(got.Contact) != "null" || !strings.HasPrefix(got.Rejected, "NO_CONTACT_POINT: ") || len(got.Steps) != 3 {
			t.Errorf("unreachable %+v", got)
		}
		for _, s := range got.Steps {
			if strings.Contains(s.Input+s.Value, "Canary") || strings.Contains(s.Input, "12") {
				t.Errorf("a masked step tells %+v", s)
			}
		}
		if got = read[letter](r, "GET", "/api/letters/0:2", ""); got.Editable {
			t.Errorf("a record that names no event can be edited: %+v", got)
		}
	})
}

// TestFind looks a letter's event up in the CRM.
func TestFind(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		type answer struct {
			Found      bool
			ContactID  int64
			ContactURL string
			Error      string
		}
		find := func() answer { return read[answer](r, "POST", "/api/letters/0:0/find", "{}") }
		if got := find(); got != (answer{}) {
			t.Errorf("absent: %+v", got)
		}
		r.crm.id = 42
		if got := find(); got != (answer{true, 42, "https://acme.example/42/", ""}) {
			t.Errorf("found: %+v", got)
		}
		q := r.crm.asked[1]
		if !strings.HasPrefix(q.OriginID, "lb-") || q.SentIDField != "originId" || len(q.Contact.Emails) != 1 || q.RecordedAt.Year() != 2026 {
			t.Errorf("the CRM was asked for %+v", q)
		}
		r.crm.hangs = true
		began := time.Now()
		if got := find(); got.Found || got.Error == "" || time.Since(began) != findLimit {
			t.Errorf("held: %+v after %s", got, time.Since(began))
		}
		if lines := r.audits(); len(lines) != 3 || lines[1]["audit"] != "find" || lines[1]["found"] != true || lines[2]["failed"] != true {
			t.Errorf("audit %v", lines)
		}
	})
}
