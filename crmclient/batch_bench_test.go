package crmclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// instantCRM answers batches at once and without looking at them much, so that a benchmark
// measures the client.
func instantCRM(b *testing.B) string {
	b.Helper()
	contact := `{"id":%d,"name":"Ivan","lastName":"Petrov","phone":"+79161234567","email":"ivan@company.ru","comments":"utm_source: ads",` +
		`"assignedById":1,"opened":true,"typeId":"CLIENT","sourceId":"WEB","createdTime":"2026-04-15T12:00:00+03:00",` +
		`"fm":[{"id":1,"typeId":"PHONE","valueType":"WORK","value":"+79161234567"}],"ufCrm_LEADBRIDGE_EVENT_ID":"%s","originId":"%[2]s","originatorId":"leadbridge"}`
	var last atomic.Int64
	marker := []byte(`"originId":"`)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/me", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"success":true,"data":{"type":"personal","scopes":["crm"]}}`)
	})
	mux.HandleFunc("GET /v1/contacts/fields", func(w http.ResponseWriter, _ *http.Request) {
		fields := ""
		for _, name := range append(vibe.Fields{}.Missing(vibe.Contacts), vibe.NativeID, vibe.NativeOwner) {
			fields += fmt.Sprintf(`,"%s":{"type":"string","isReadOnly":false}`, name)
		}
		_, _ = io.WriteString(w, `{"success":true,"data":{"fields":{`+fields[1:]+`}}}`)
	})
	mux.HandleFunc("POST /v1/contacts", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, rest, _ := bytes.Cut(body, marker)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"success":true,"data":`+contact+`}`, last.Add(1), rest[:bytes.IndexByte(rest, '"')])
	})
	mux.HandleFunc("POST /v1/batch", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		out := bytes.NewBufferString(`{"success":true,"data":{"results":{`)
		for i := 0; ; i++ {
			_, rest, ok := bytes.Cut(body, marker)
			if !ok {
				break
			}
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(out, `"%d":`, i)
			fmt.Fprintf(out, contact, last.Add(1), rest[:bytes.IndexByte(rest, '"')])
			body = rest
		}
		out.WriteString(`},"errors":{},"summary":{}}}`)
		_, _ = w.Write(out.Bytes())
	})
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) })
	b.Cleanup(func() {
		_ = server.Close()
		done.Wait()
	})
	return "http://" + l.Addr().String()
}

// BenchmarkCreateInBatches makes contacts as fast as an instant CRM takes them; an operation
// is one contact. The CRM runs in the same process.
func BenchmarkCreateInBatches(b *testing.B) {
	c, err := New(Config{BaseURL: instantCRM(b), APIKey: Secret{Value: "vibe_api_1"}, Log: zerolog.Nop()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if err := c.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	next := make(chan int, 512)
	var callers sync.WaitGroup
	for range 256 {
		callers.Go(func() {
			for n := range next {
				id := strconv.Itoa(n)
				if _, err := c.Create(context.Background(), Request{OriginID: "lb-" + id, Contact: &Contact{
					Name: "Ivan", LastName: "Petrov", Phones: []Multifield{{Value: "+79161234567", TypeID: "MOBILE"}}, Emails: []Multifield{{Value: "ivan" + id + "@company.ru", TypeID: "WORK"}},
					Comments: "call me after six\nutm_source: ads", SourceID: "WEB", UTMSource: "ads", UTMCampaign: "autumn",
				}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	n := 0
	for b.Loop() {
		next <- n
		n++
	}
	close(next)
	callers.Wait()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "contacts/s")
}
