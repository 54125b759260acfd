package playground

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/loopback"
	"github.com/leadbridge/leadbridge/webhook"
)

// Config says what is played with.
type Config struct {
	URL     string // of the playground itself, without a path
	Page    string // the address of the operators' page
	CRMPage string // the address of the simulator's own page
	Status  func() monitor.Status
	Find    Find
	Gate    http.Handler // takes what [Sources] declares

	Portal *crmtest.Simulator
	Key    string         // by which the CRM knows the service
	Calm   crmtest.Faults // that the CRM always has
	Usual  time.Duration  // how long the CRM takes for a request while it is not slowed down

	Invent func(n int) url.Values // fills in the form with the n-th invented person
}

const (
	// source is the gate's source of the form.
	source = "playground"
	// idHeader carries the id that the playground gives each lead, so that it can follow it.
	idHeader = "X-Playground-Lead"
	// sentAt is the path to which a browser is redirected when its form was taken.
	sentAt = "/#leads"
	// inventedAtOnce is how many invented leads one press of the button sends.
	inventedAtOnce = 10
)

// Sources returns the gate's source for the form of the playground at an address.
func Sources(address string) (*webhook.Sources, error) {
	text := fmt.Sprintf("sources:\n  - name: %s\n    verify: {type: none}\n    id: {header: %s}\n    redirect: [%q]\n", source, idHeader, address+sentAt)
	sources, err := webhook.ParseSources([]byte(text), webhook.Environment{PhoneRegion: "RU"})
	if err != nil {
		return nil, fmt.Errorf("the source of the playground: %w", err)
	}
	return sources, nil
}

// Playground is the page. It is safe for concurrent use.
type Playground struct {
	cfg    Config
	portal portal
	leads  followed
	pages  *template.Template
	client *http.Client
}

//go:embed page
var files embed.FS

// New returns the playground. The CRM has the faults of Calm from then on, and no others.
func New(cfg Config) (*Playground, error) {
	pages, err := template.ParseFS(files, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("the pages of the playground: %w", err)
	}
	p := &Playground{
		cfg: cfg, pages: pages, portal: portal{sim: cfg.Portal, key: cfg.Key, calm: cfg.Calm, usual: cfg.Usual}, leads: followed{find: cfg.Find},
		client: &http.Client{
			Transport: &http.Transport{}, Timeout: readLimit,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	return p, p.portal.set("")
}

// Close closes what the playground has open.
func (p *Playground) Close() { p.client.CloseIdleConnections() }

// Handler returns the handler of the page and of the gate's form.
func (p *Playground) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.serve("index.html"))
	mux.HandleFunc("GET /live", p.serve("live"))
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.HandlerFunc(p.asset)))
	mux.HandleFunc("POST /trouble", p.trouble)
	mux.HandleFunc("POST /invented", p.invented)
	mux.HandleFunc("/hooks/", p.hook)
	return p.guarded(http.NewCrossOriginProtection().Handler(mux))
}

// guarded adds the headers of every answer, and answers to this machine only.
func (p *Playground) guarded(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + p.cfg.URL
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !loopback.Direct(r) {
			http.Error(w, "the playground answers to a loopback address only, such as http://127.0.0.1, and to no proxy", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Playground) asset(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains([]string{".css", ".js", ".svg"}, path.Ext(r.URL.Path)) {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, files, "page/"+r.URL.Path) //nolint:gosec // G703: embedded files alone, and ServeFileFS takes no path with ".."
}

// serve answers with the page, or with a part of it.
func (p *Playground) serve(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var page strings.Builder
		if err := p.pages.ExecuteTemplate(&page, name, p.view(r.Context())); err != nil {
			http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page.String()) // it fails only when the client has gone
	}
}

// trouble begins or ends trouble in the CRM.
func (p *Playground) trouble(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("trouble")
	if id != "" && troubleOf(id).ID == "" {
		http.Error(w, "there is no such trouble: go back and press one of the buttons", http.StatusBadRequest)
		return
	}
	if err := p.portal.set(id); err != nil {
		http.Error(w, "the simulated CRM does not take it: "+err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/#trouble", http.StatusSeeOther)
}

// invented sends leads of invented persons, as their browsers would.
func (p *Playground) invented(w http.ResponseWriter, r *http.Request) {
	for n := range inventedAtOnce {
		if err := p.post(r.Context(), p.cfg.Invent(n)); err != nil {
			http.Error(w, "the gate did not take an invented lead: "+err.Error(), http.StatusBadGateway)
			return
		}
	}
	http.Redirect(w, r, sentAt, http.StatusSeeOther)
}

var errRefused = errors.New("it was refused")

func (p *Playground) post(ctx context.Context, form url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.URL+"/hooks/"+source, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%w: %s", errRefused, res.Status)
	}
	return nil
}

// hook passes a request on to the gate, and follows the lead when the gate accepts it.
func (p *Playground) hook(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()
	r.Header.Set(idHeader, id)
	answered := &statusOf{ResponseWriter: w}
	p.cfg.Gate.ServeHTTP(answered, r)
	if r.Method == http.MethodPost && answered.status > 0 && answered.status < http.StatusBadRequest {
		p.leads.add("ce:/hooks/"+source+" "+id, time.Now())
	}
}

// statusOf notes the status that the gate answers.
type statusOf struct {
	http.ResponseWriter
	status int
}

func (s *statusOf) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the gate reach the connection.
func (s *statusOf) Unwrap() http.ResponseWriter { return s.ResponseWriter }
