package crmtest

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// latestRows is how many contacts the page shows.
const latestRows = 100

// maxFaultsText is the longest body of PUT /_sim/faults, in bytes.
const maxFaultsText = 1 << 20

// newPages returns the handler of the simulator's own paths. Keys, limits and faults do
// not concern them.
func (s *Simulator) newPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	for _, entity := range entities() {
		mux.HandleFunc("GET /_sim/"+entity, func(w http.ResponseWriter, r *http.Request) { s.serveRecords(entity, w, r) })
	}
	mux.HandleFunc("DELETE /_sim/contacts", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Stats()) })
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Faults()) })
	mux.HandleFunc("PUT /_sim/faults", s.putFaults)
	return mux
}

func (s *Simulator) putFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaultsText))
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	f, err := ParseFaults(string(text))
	if err == nil {
		err = s.SetFaults(f)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sendJSON(w, f)
}

// serveRecords answers with the objects of a kind, by id: from offset on, at most limit (100); with all=1 all of them; with
// origin only those with that origin id. Times are not rounded.
func (s *Simulator) serveRecords(entity string, w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	records := s.Records(entity)
	if origin := q.Get("origin"); origin != "" {
		records = s.ByOriginIn(entity, origin)
	}
	total := len(records)
	if q.Get("all") == "" {
		offset, limit := number(q.Get("offset"), 0), number(q.Get("limit"), latestRows)
		records = records[min(offset, total):]
		records = records[:min(limit, len(records))]
	}
	sendJSON(w, map[string]any{"total": total, entity: slices.Concat([]Record{}, records)})
}

// number reads a number from a query; it returns otherwise if the text is not a number.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

func sendJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

const pageText = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>CRM simulator</title>
<style>
body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}
th{background:#f3f3f3}pre{background:#f3f3f3;padding:.6rem}
</style></head><body>
<h1>CRM simulator: {{.Stats.Contacts}} contacts{{with .Stats.Leads}}, {{.}} leads{{end}}{{with .Stats.Deals}}, {{.}} deals{{end}}{{with .Stats.Timelines}}, {{.}} comments{{end}}</h1>
<p>{{.Stats.Created}} created, {{.Stats.Duplicates}} duplicates by origin id, {{.Stats.Batches}} batches, {{.Stats.Lookups}} look-ups, {{.Stats.Throttled}} throttled.
All of it: <a href="/_sim/contacts?all=1">contacts</a>, <a href="/_sim/leads?all=1">leads</a>, <a href="/_sim/deals?all=1">deals</a>, <a href="/_sim/timelines?all=1">comments</a>, <a href="/_sim/stats">stats</a>, <a href="/_sim/faults">faults</a>.</p>
<h2>Requests</h2>
<table><tr><th>request</th><th>count</th></tr>{{range $k, $n := .Stats.Requests}}<tr><td>{{$k}}</td><td>{{$n}}</td></tr>{{end}}</table>
<h2>Faults</h2>
<pre>{{.Faults}}</pre>
{{if .Stats.Faults}}<table><tr><th>injected</th><th>count</th></tr>{{range $k, $n := .Stats.Faults}}<tr><td>{{$k}}</td><td>{{$n}}</td></tr>{{end}}</table>{{end}}
<h2>Latest contacts</h2>
<table><tr><th>id</th><th>created</th><th>name</th><th>phones</th><th>e-mails</th><th>source</th><th>comments</th><th>origin id</th></tr>
{{range .Latest}}<tr><td>{{.ID}}</td><td>{{.Created.Format "2006-01-02 15:04:05"}}</td><td>{{.Text "name"}} {{.Text "secondName"}} {{.Text "lastName"}}</td>
<td>{{range .Phones}}{{.Value}} {{.TypeID}}<br>{{end}}</td><td>{{range .Emails}}{{.Value}} {{.TypeID}}<br>{{end}}</td>
<td>{{.Text "sourceId"}}</td><td>{{.Text "comments"}}</td><td>{{.OriginID}}</td></tr>
{{end}}</table></body></html>
`

// servePage answers with a page for people that shows what the simulator holds.
func (s *Simulator) servePage(w http.ResponseWriter, _ *http.Request) {
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	faults, err := json.MarshalIndent(s.Faults(), "", "  ")
	if err != nil {
		http.Error(w, fmt.Sprintf("faults: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, map[string]any{"Stats": s.Stats(), "Faults": string(faults), "Latest": s.latest(latestRows)})
}

// latest returns the newest n contacts, newest first.
func (s *Simulator) latest(n int) []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Contact
	for _, c := range slices.Backward(s.contacts().store.rows) {
		if len(found) == n {
			break
		}
		if c != nil {
			found = append(found, *c)
		}
	}
	return found
}
