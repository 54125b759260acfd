package tracing

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Call is one create or look-up of an event, as its trace shows it: a span of the wait for the turn, the budget and the
// end of holds, and then a span of the work, which one request may do for several calls. It is safe for
// concurrent use. The methods of a nil Call do nothing.
type Call struct {
	tracer *Tracer
	ctx    context.Context //nolint:containedctx // it carries the event's span, and nothing else is asked of it
	name   string

	mu   sync.Mutex
	wait *Span // guarded by mu
	work *Span // guarded by mu; nil: the call still waits
	done bool  // guarded by mu; the call has ended
}

// Call begins a create or a look-up ("create", "look up") of an object such as contacts, for the event of ctx.
// Without a sampled span in ctx it is nil.
func (t *Tracer) Call(ctx context.Context, does, object string) *Call {
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return nil
	}
	_, wait := t.start(ctx, "wait crm", trace.SpanKindInternal, waitsFor("crm"))
	return &Call{tracer: t, ctx: ctx, name: does + " " + object, wait: wait}
}

// beginWork ends the wait and begins the work, unless an earlier request did so. It returns the span of the work; nil when
// the call has ended.
func (c *Call) beginWork() *Span {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil
	}
	if c.work == nil {
		c.wait.End(nil)
		_, c.work = c.tracer.start(c.ctx, c.name, trace.SpanKindInternal)
	}
	return c.work
}

// End ends the call with what it came to, such as created or absent.
func (c *Call) End(outcome string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	c.done = true
	last := c.wait
	if c.work != nil {
		last = c.work
	}
	last.Outcome(outcome)
	last.End(nil)
}

// Request begins the span of a request to the CRM that is about to be sent for some calls. It stands in the trace of the
// first of them. With several it has a link to each, and each but the first has a link to it.
func (t *Tracer) Request(calls []*Call) *Span {
	if t == nil {
		return nil
	}
	var works []*Span
	for _, c := range calls {
		if work := c.beginWork(); work != nil {
			works = append(works, work)
		}
	}
	if len(works) == 0 {
		return nil
	}
	var links []trace.Link
	if len(works) > 1 {
		for _, work := range works {
			links = append(links, trace.Link{SpanContext: work.span.SpanContext()})
		}
	}
	_, request := t.start(works[0].ctx, "request", trace.SpanKindClient, trace.WithLinks(links...),
		trace.WithAttributes(attribute.Int("leadbridge.events", len(calls))))
	for _, work := range works[1:] {
		work.span.AddLink(trace.Link{SpanContext: request.span.SpanContext()})
	}
	return request
}

// To notes the address of a request. address must have no query; path is the part of its path that is the same for all
// portals.
func (s *Span) To(method string, address *url.URL, path string) {
	if s == nil {
		return
	}
	s.span.SetName(method + " " + path)
	s.span.SetAttributes(
		attribute.String("http.request.method", method),
		attribute.String("url.template", path),
		attribute.String("url.full", address.String()),
		attribute.String("server.address", address.Hostname()),
		attribute.Int("server.port", portOf(address)),
	)
}

func portOf(address *url.URL) int {
	if port, err := strconv.Atoi(address.Port()); err == nil {
		return port
	}
	if address.Scheme == "https" {
		return 443
	}
	return 80
}

// Answered ends the span of a request. status is that of the answer, 0 when none came; class is what it meant, and code
// the CRM's error code. class and code must be identifiers, which say nothing of a person.
func (s *Span) Answered(status int, class, code string) {
	if s == nil {
		return
	}
	s.Outcome(class)
	if code != "" {
		s.span.SetAttributes(attribute.String("leadbridge.crm.code", code))
	}
	if status > 0 {
		s.span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	switch {
	case status >= http.StatusBadRequest:
		s.fail(strconv.Itoa(status))
	case status == 0 && code != "":
		s.fail(code)
	case status == 0:
		s.fail("_OTHER")
	}
	s.span.End()
}
