package observe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
)

// scrapes stores what processes tell as Prometheus does, one scrape a minute by the stamps: a
// test's seconds become the hours that alerts look back.
type scrapes struct {
	t       *testing.T
	storage *teststorage.TestStorage
	targets map[string]string // job: address of its metrics

	mu      sync.Mutex // guards all below
	minutes int
	types   map[string]string // of metrics
	latest  map[string]float64
}

func newScrapes(t *testing.T, targets map[string]string) *scrapes {
	t.Helper()
	return &scrapes{t: t, storage: teststorage.New(t), targets: targets, types: map[string]string{}, latest: map[string]float64{}}
}

// scrape takes the metrics of every target once.
func (s *scrapes) scrape(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.storage.Appender(ctx)
	at := time.Unix(0, 0).Add(time.Duration(s.minutes) * time.Minute).UnixMilli()
	clear(s.latest)
	for job, address := range s.targets {
		text, kind, err := fetch(ctx, address)
		if err != nil {
			return err
		}
		up := labels.FromStrings("__name__", "up", "namespace", "leads", "job", job, "portal", "de", "instance", address)
		if _, err := app.Append(0, up, at, 1); err != nil {
			return err
		}
		if err := s.append(app, text, kind, at, job, address); err != nil {
			return err
		}
	}
	s.minutes++
	return app.Commit()
}

// append stores the samples of one answer.
func (s *scrapes) append(app storage.Appender, text []byte, kind string, at int64, job, address string) error {
	p, err := textparse.New(text, kind, nil, textparse.ParserOptions{})
	if err != nil {
		return err
	}
	for {
		entry, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case entry == textparse.EntryType:
			name, typ := p.Type()
			s.types[string(name)] = string(typ)
		case entry == textparse.EntrySeries:
			var l labels.Labels
			p.Labels(&l)
			_, _, value := p.Series()
			s.latest[l.String()] += value
			l = labels.NewBuilder(l).Set("namespace", "leads").Set("job", job).Set("portal", "de").Set("instance", address).Labels()
			if _, err := app.Append(0, l, at, value); err != nil {
				return err
			}
		}
	}
}

// value is the sum of the series that begin with a text, as they were last scraped:
// {__name__="…", cause="…"}, labels in their order.
func (s *scrapes) value(prefix string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0.0
	for series, value := range s.latest {
		if strings.HasPrefix(series, prefix) {
			sum += value
		}
	}
	return sum
}

// client speaks to the programs under test; the tests' contexts end its calls.
var client = &http.Client{Timeout: time.Minute}

func fetch(ctx context.Context, address string) (text []byte, kind string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return text, resp.Header.Get("Content-Type"), err
}
