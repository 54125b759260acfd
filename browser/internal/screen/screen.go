// Package screen drives a headless Chromium as a person does: by mouse and by keyboard.
// It waits for what the document says, never for a time.
package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 2 * time.Minute

// Browser is a running Chromium.
type Browser struct {
	ctx context.Context
	end func()
}

// Start starts Chromium; CHROMIUM names another one.
func Start(ctx context.Context) (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // a container's root has none
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("font-render-hinting", "none"),
	)
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocated, endAllocated := chromedp.NewExecAllocator(ctx, options...)
	browser, endBrowser := chromedp.NewContext(allocated)
	b := &Browser{ctx: browser, end: func() { endBrowser(); endAllocated() }}
	if err := chromedp.Do(browser); err != nil {
		b.end()
		return nil, fmt.Errorf("start Chromium (apt-get install chromium, or CHROMIUM=path): %w", err)
	}
	return b, nil
}

// Close ends it.
func (b *Browser) Close() { b.end() }

// View is how a reader's screen is.
type View struct {
	Width, Height int64
	Phone         bool
	Dark          bool
	Zone          string // IANA; "": Europe/Berlin
	Locale        string // of the browser, such as ru-RU; "": en-GB
	// Zoom is how many pixels of the screen one of the page has; 0: one. Width and Height are those of the page.
	Zoom   float64
	Forced bool // colours are forced, as by a high-contrast theme of the system
	Moving bool // its reader has nothing against motion
}

// Desk and Hand are two common screens.
var (
	Desk = View{Width: 1280, Height: 860}
	Hand = View{Width: 360, Height: 740, Phone: true}
)

// Tab is a page with cookies and storage of its own.
type Tab struct {
	ctx  context.Context
	end  context.CancelFunc
	said *said
}

// Open opens a tab.
func (b *Browser) Open(v View) (*Tab, error) {
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t := &Tab{ctx: ctx, end: end, said: &said{}}
	if err := t.prepare(v); err != nil {
		end()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

func (t *Tab) prepare(v View) error {
	zone, scheme := "Europe/Berlin", "light"
	if v.Zone != "" {
		zone = v.Zone
	}
	if v.Dark {
		scheme = "dark"
	}
	media := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "forced-colors", Value: "none"}}
	if v.Moving {
		media[1].Value = "no-preference"
	}
	if v.Forced {
		media[2].Value = "active"
	}
	locale := cmp.Or(v.Locale, "en-GB")
	language, _, _ := strings.Cut(locale, "-")
	return errors.Join(
		chromedp.Do(t.ctx),
		chromedp.Listen(t.ctx, t.said.hear),
		call(t.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.Width, Height: v.Height, DeviceScaleFactor: cmp.Or(v.Zoom, 1), Mobile: v.Phone}),
		call(t.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: v.Phone}),
		call(t.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}),
		call(t.ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: locale}),
		call(t.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "a browser of a test", AcceptLanguage: locale + "," + language}),
		call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media}),
		call(t.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchScript}),
	)
}

func call[P, R any](ctx context.Context, command cdp.Command[P, R], parameters P) error {
	_, err := chromedp.Call(ctx, command, parameters)
	return err
}

// Close closes the tab.
func (t *Tab) Close() { t.end() }

// Go opens an address.
func (t *Tab) Go(address string) error { return t.run(chromedp.Navigate(address)) }

// WithoutScripts lets the pages that are opened from now on run no scripts. What this package evaluates still runs.
func (t *Tab) WithoutScripts() error {
	return call(t.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

func (t *Tab) run(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

func value[T any](t *Tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// Eval gives the value of an expression, of a promise what it resolves to.
func Eval[T any](t *Tab, expression string) (T, error) {
	result, err := value(t, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return result, fmt.Errorf("%s: %w", expression, err)
	}
	return result, nil
}

// errNever says that a condition did not come true.
var errNever = errors.New("never came true")

// replaced reports whether an error says that the page has given way to another one.
func replaced(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "Inspected target navigated or closed") || strings.Contains(err.Error(), "Execution context was destroyed"))
}

// Until waits until an expression is true; it is tried at each frame of the page, and of the one that takes its place.
func (t *Tab) Until(expression string) error {
	wait := fmt.Sprintf(`new Promise((yes) => {
		const end = performance.now() + %d;
		const look = () => {
			let is = false;
			try { is = Boolean(%s); } catch { is = false; }
			if (is) yes(true); else if (performance.now() > end) yes(false); else setTimeout(look, 15);
		};
		look();
	})`, patience.Milliseconds()-1000, expression)
	is, err := value(t, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise))
	for end := time.Now().Add(patience); replaced(err) && time.Now().Before(end); {
		is, err = value(t, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise))
	}
	if err == nil && !is {
		err = errNever
	}
	if err != nil {
		seen, _ := Eval[string](t, `(document.querySelector("dialog[open]") ?? document.body).innerText.slice(0, 1500)`)
		return fmt.Errorf("%s: %w; the page shows:\n%s", expression, err, seen)
	}
	return nil
}

// Await is [Tab.Until] for a condition of a document that is yet to be loaded, as after a form was sent. It needs no
// scripts in the page.
func (t *Tab) Await(expression string) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(patience)
	for {
		// It fails while one document gives way to another.
		if is, err := Eval[bool](t, "Boolean("+expression+")"); err == nil && is {
			return nil
		}
		select {
		case <-ticker.C:
		case <-late:
			seen, _ := Eval[string](t, `document.body.innerText.slice(0, 1500)`)
			return fmt.Errorf("%s: %w; the page shows:\n%s", expression, errNever, seen)
		}
	}
}

// Click clicks the middle of an element with the mouse, when it is there and enabled.
func (t *Tab) Click(selector string) error {
	if err := t.Until(fmt.Sprintf("(() => { const e = document.querySelector(%q); return e && !e.disabled && e.checkVisibility(); })()", selector)); err != nil {
		return err
	}
	// One look at the document: a page that refreshes itself may replace the element before a second one.
	at, err := Eval[[]float64](t, fmt.Sprintf(`(() => {
  const e = document.querySelector(%q);
  e.scrollIntoViewIfNeeded(); // to the middle, where nothing that sticks covers it
  const r = (e.getClientRects()[0] ?? e.getBoundingClientRect());
  return [r.x + r.width / 2, r.y + r.height / 2];
})()`, selector))
	if err != nil {
		return err
	}
	return t.run(chromedp.MouseClickXY(at[0], at[1]))
}

// Keys names what [Tab.Press] knows besides single characters.
var keys = map[string]string{
	"Enter": kb.Enter, "Tab": kb.Tab, "Escape": kb.Escape, "Space": " ", "ArrowDown": kb.ArrowDown, "ArrowUp": kb.ArrowUp,
	"ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight, "PageDown": kb.PageDown, "PageUp": kb.PageUp, "Home": kb.Home, "End": kb.End,
	"Backspace": kb.Backspace,
}

// Press presses keys one after another, such as "Tab", "Shift+Tab", "Control+a" or "Enter".
func (t *Tab) Press(names ...string) error {
	for _, name := range names {
		parts := strings.Split(name, "+")
		key := parts[len(parts)-1]
		if text, ok := keys[key]; ok {
			key = text
		}
		var modifiers []kb.Modifier
		for _, m := range parts[:len(parts)-1] {
			modifiers = append(modifiers, map[string]kb.Modifier{"Shift": kb.ModifierShift, "Control": kb.ModifierCtrl}[m])
		}
		if err := t.run(chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...))); err != nil {
			return fmt.Errorf("press %s: %w", name, err)
		}
	}
	return nil
}

// Type types a text where the focus is.
func (t *Tab) Type(text string) error { return t.run(chromedp.KeyEvent(text)) }

// mostTabs is more than any view of the page has stops.
const mostTabs = 80

// TabTo presses Tab until an element has the focus, as somebody without a mouse does.
func (t *Tab) TabTo(selector string) error {
	for range mostTabs {
		is, err := Eval[bool](t, fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector))
		if err != nil {
			return err
		}
		if is {
			return nil
		}
		if err := t.Press("Tab"); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is not reached by Tab", selector)
}

// Shot is a PNG of what is on the screen.
func (t *Tab) Shot() ([]byte, error) { return value(t, chromedp.CaptureScreenshot()) }

// Full is a PNG of the whole document.
func (t *Tab) Full() ([]byte, error) { return value(t, chromedp.FullScreenshot(100)) }

// Hover moves the mouse over the middle of an element.
func (t *Tab) Hover(selector string) error {
	at, err := Eval[[]float64](t, fmt.Sprintf(`(() => { const b = document.querySelector(%q).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()`, selector))
	if err != nil {
		return err
	}
	return t.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
}
