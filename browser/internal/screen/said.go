package screen

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// watchScript notes, from the first moment of a document on, what must never happen in it:
// a violation of its policy, a canary that sings, a shift of its layout.
const watchScript = `
	window.seen = { violations: [], canary: [], shifts: 0, shifted: [] };
	window.canary = (what) => window.seen.canary.push(String(what));
	document.addEventListener("securitypolicyviolation", (e) => window.seen.violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));
	new PerformanceObserver((list) => {
		for (const e of list.getEntries()) {
			window.seen.shifts += e.value;
			window.seen.shifted.push(...e.sources.map((s) => (s.node?.className || s.node?.nodeName || "gone") + " " + JSON.stringify(s.previousRect) + " -> " + JSON.stringify(s.currentRect)));
		}
	}).observe({ type: "layout-shift", buffered: true });
`

// said is what a page complained about.
type said struct {
	mu     sync.Mutex
	errors []string
	parts  []string // of errors that are expected
}

func (s *said) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		s.add("exception: " + fmt.Sprint(e.ExceptionDetails.Text, " ", description(e.ExceptionDetails.Exception)))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			s.add("console.error")
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			s.add(e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func (s *said) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors = append(s.errors, text)
}

// Expect passes over errors that contain a text, such as the browser's own lines about
// connections that a test cuts.
func (t *Tab) Expect(part string) {
	t.said.mu.Lock()
	defer t.said.mu.Unlock()
	t.said.parts = append(t.said.parts, part)
}

// Errors are the exceptions and errors that the page has made so far and nobody expects.
func (t *Tab) Errors() []string {
	t.said.mu.Lock()
	defer t.said.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.said.errors), func(e string) bool {
		return slices.ContainsFunc(t.said.parts, func(part string) bool { return strings.Contains(e, part) })
	})
}

func description(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return o.Description
}
