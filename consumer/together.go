package consumer

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// together tells a record that waits for the CRM only, as most do: these share a worker.
func (p *partition) together(f *flight) bool {
	return f.failure == nil && !f.suspect && len(f.turn) == 0 && p.results == nil
}

// flyTogether is the worker of records that set out together. Those that take longer than a
// create get workers of their own.
func (p *partition) flyTogether(flights []*flight) {
	if p.take.Err() != nil {
		for _, f := range flights {
			p.untouched(f)
			p.land(f)
		}
		return
	}
	began := time.Now()
	requests := make([]crmclient.Request, len(flights))
	for i, f := range flights {
		f.began = began
		requests[i] = p.request(f)
	}
	p.creator.CreateAll(p.work, requests,
		func(i int, result crmclient.Result, err error) {
			f := flights[i]
			defer p.land(f)
			if p.created(f, result, err) {
				p.conclude(f)
			}
		},
		func(i int, finish func() (crmclient.Result, error)) {
			f := flights[i]
			p.workers.Go(func() {
				defer p.land(f)
				p.deliver(f, finish)
			})
		})
}
