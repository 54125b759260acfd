package crmtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func lead(i int) string {
	return fmt.Sprintf(`{"name":"Ivan","lastName":"Petrov","phone":[{"value":"+7916%07d","typeId":"MOBILE"}],`+
		`"email":[{"value":"ivan%[1]d@company.ru","typeId":"WORK"}],"comments":"utm_source: ads\nutm_campaign: autumn","sourceId":"WEB",`+
		`"originId":"lb-%032[1]x","originatorId":"leadbridge"}`, i)
}

// serve answers one call without a network.
func serve(b *testing.B, s *crmtest.Simulator, path, body string) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", "k")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code >= 300 {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
}

// BenchmarkCreate makes single contacts and tells what one takes in memory.
func BenchmarkCreate(b *testing.B) {
	s := crmtest.New(crmtest.Options{NativeOriginID: true})
	defer s.Close()
	before := heap()
	i := 0
	for b.Loop() {
		serve(b, s, "/v1/contacts", lead(i))
		i++
	}
	b.ReportMetric(float64(heap()-before)/float64(s.Count()), "held-B/contact")
}

// BenchmarkBatch makes fifty contacts a call.
func BenchmarkBatch(b *testing.B) {
	s := crmtest.New(crmtest.Options{NativeOriginID: true})
	defer s.Close()
	n := 0
	for b.Loop() {
		list := make([]string, 50)
		for i := range list {
			list[i] = call(strconv.Itoa(i), "create", lead(n))
			n++
		}
		serve(b, s, "/v1/batch", calls(list...))
	}
	b.ReportMetric(float64(s.Count())/b.Elapsed().Seconds(), "contacts/s")
}

// BenchmarkLookup finds fifty ids among 200,000 contacts.
func BenchmarkLookup(b *testing.B) {
	s := crmtest.New(crmtest.Options{NativeOriginID: true})
	defer s.Close()
	for i := range 200_000 {
		if _, err := s.Create(lead(i)); err != nil {
			b.Fatal(err)
		}
	}
	ids := make([]string, 50)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"lb-%032x"`, i*3999)
	}
	body := `{"filter":{"originId":{"$in":[` + strings.Join(ids, ",") + `]}},"select":["id","originId"],"limit":50}`
	for b.Loop() {
		serve(b, s, "/v1/contacts/search", body)
	}
}

// heap is how many bytes are held.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
