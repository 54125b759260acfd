//go:build browser

package browser

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/browser/internal/stage"
)

// pageDir is where the page lies, seen from here.
const pageDir = "../admin/page"

// chromium is shared by all tests; each has tabs of its own.
var chromium *screen.Browser

func TestMain(m *testing.M) {
	var err error
	if chromium, err = screen.Start(context.Background()); err != nil {
		panic(err)
	}
	defer chromium.Close()
	m.Run()
}

// must ends a test that cannot go on.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](t *testing.T, tab *screen.Tab, expression string) T {
	t.Helper()
	v, err := screen.Eval[T](tab, expression)
	must(t, err)
	return v
}

// open opens an address. At the end of the test nothing may have gone wrong in the page:
// no exception, no error in its console, no violation of its policy, no canary.
func open(t *testing.T, v screen.View, address string) *screen.Tab {
	t.Helper()
	tab, err := chromium.Open(v)
	must(t, err)
	t.Cleanup(func() {
		defer tab.Close()
		if t.Failed() {
			keepShot(t, tab)
			return
		}
		for _, e := range tab.Errors() {
			t.Errorf("the page says: %s", e)
		}
		if seen := eval[[]string](t, tab, "[...window.seen.violations, ...window.seen.canary]"); len(seen) > 0 {
			t.Errorf("the page did what it must not: %q", seen)
		}
	})
	must(t, tab.Go(address))
	return tab
}

// keepShot leaves a picture of what a failed test saw, where SHOTS says.
func keepShot(t *testing.T, tab *screen.Tab) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	if png, err := tab.Shot(); err == nil {
		name := fmt.Sprintf("%s/%x.png", dir, t.Name())
		if os.WriteFile(name, png, 0o600) == nil {
			t.Log("seen last: " + name)
		}
	}
}

// onStage serves the page with made-up states and n letters.
func onStage(t *testing.T, n int) (*stage.Stage, string) {
	t.Helper()
	s := stage.New(pageDir, n)
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections() // a stream has no end of its own
		server.Close()
	})
	return s, server.URL
}

// drawn waits until the page has drawn what it has in hand.
func drawn(t *testing.T, tab *screen.Tab) {
	t.Helper()
	eval[bool](t, tab, `new Promise((yes) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => yes(true)))))`)
}

// forgetShifts begins to count shifts of the layout.
func forgetShifts(t *testing.T, tab *screen.Tab) {
	t.Helper()
	drawn(t, tab)
	eval[bool](t, tab, `(() => { window.seen.shifts = 0; window.seen.shifted = []; return true; })()`)
}

// noShifts fails when something has moved since.
func noShifts(t *testing.T, tab *screen.Tab) {
	t.Helper()
	drawn(t, tab)
	if shifts := eval[float64](t, tab, "window.seen.shifts"); shifts != 0 {
		t.Errorf("layout shifted by %v: %v", shifts, eval[[]string](t, tab, "window.seen.shifted"))
	}
}

// text is a condition: an element's text contains something.
func text(selector, part string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))`, selector, part)
}

// focused is a condition: an element has the focus.
func focused(selector string) string {
	return fmt.Sprintf(`document.activeElement.matches(%q)`, selector)
}
