package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/webhook"
)

// sourceFlags are the flags by which map reads a request to the gate, instead of events.
type sourceFlags struct {
	Source string   `placeholder:"FILE" help:"A sources file (docs/ingest.md): standard input is then the body of one saved request, and what the gate makes of it is shown, too."`
	Name   string   `placeholder:"NAME" help:"The source that the request is for. Default: the one of --url, or the only one of the file."`
	Header []string `placeholder:"NAME: VALUE" sep:"none" help:"A header of the request; repeat it for several. Content-Type is seen from the body when it is not given."`
	Method string   `default:"POST" placeholder:"METHOD" help:"Method of the request."`
	URL    string   `name:"url" placeholder:"URL" help:"Address of the request, with its query: https://gate.example.com/hooks/shop?key=…"`
}

// tried is the line of output for a request.
type tried struct {
	Source  string          `json:"source"`
	Proof   string          `json:"proof"` // ok, or why the sender is not proven
	Outcome string          `json:"outcome"`
	Status  int             `json:"status"`
	Answer  string          `json:"answer"`
	Key     string          `json:"key,omitempty"`
	Record  json.RawMessage `json:"record,omitempty"`
	*mapped
}

// tryRequest shows what the gate and the mapping would make of one request.
func (c mapCommand) tryRequest(p process, body string, cfg settings.MapConfig) error {
	sources, err := settings.Sources(c.Source, c.PhoneRegion, p.lookupEnv)
	if err != nil {
		return err
	}
	r, err := c.request(body)
	if err != nil {
		return err
	}
	name := c.sourceName(sources, r)
	for _, warning := range sources.Warnings() {
		if strings.HasPrefix(warning, "source "+name+": ") {
			_, _ = fmt.Fprintln(p.stderr, "leadbridge:", warning)
		}
	}
	trial, err := sources.Try(name, r, time.Now())
	if err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	out := tried{Source: name, Proof: "ok", Outcome: trial.Outcome, Status: trial.Status, Answer: trial.Answer, Key: trial.Key, Record: trial.Value}
	if trial.Proof != "" {
		out.Proof = trial.Proof
	}
	if trial.Value != nil {
		m, err := c.mapLine(cfg, trial.Value, 0)
		if err != nil {
			return err
		}
		out.mapped = &m
	}
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// request returns the request that the flags and the body describe.
func (c mapCommand) request(body string) (*http.Request, error) {
	address := c.URL
	if strings.HasPrefix(address, "/") || address == "" {
		address = "https://localhost" + address
	}
	r, err := http.NewRequest(strings.ToUpper(c.Method), address, strings.NewReader(body)) //nolint:noctx // it is not sent
	if err != nil {
		return nil, fmt.Errorf("--url or --method: %w", err)
	}
	for _, header := range c.Header {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q is not a header: write \"NAME: VALUE\"", name)
		}
		if name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); name == "Host" {
			r.Host = strings.TrimSpace(value)
			continue
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(strings.TrimSpace(body), "{") || strings.HasPrefix(strings.TrimSpace(body), "[") {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	return r, nil
}

// sourceName returns the source that a request is for; "" when neither --name, --url nor the file says it.
func (c mapCommand) sourceName(sources *webhook.Sources, r *http.Request) string {
	name, byURL := strings.CutPrefix(r.URL.Path, "/hooks/")
	switch names := sources.Names(); {
	case c.Name != "":
		return c.Name
	case byURL && slices.Contains(names, name):
		return name
	case len(names) == 1:
		return names[0]
	}
	return ""
}
