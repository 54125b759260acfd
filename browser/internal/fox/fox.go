// Package fox drives a headless Firefox as a person does, by WebDriver BiDi, which it speaks without a driver program.
package fox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/browser/internal/keyboard"
)

const (
	// patience is how long a condition may take to come true on a busy machine.
	patience = 2 * time.Minute
	// origin is what Firefox is told to let in.
	origin = "http://127.0.0.1"
)

// settings are those of a new profile that differ from the usual ones: no request to anybody, and a language.
const settings = `user_pref("intl.accept_languages", "en-GB, en");
user_pref("ui.prefersReducedMotion", 1);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("focusmanager.testmode", true);
user_pref("remote.prefs.recommended", true);
`

// Browser is a running Firefox with one tab.
type Browser struct {
	program *exec.Cmd
	profile string
	conn    *connection
	context string // of the tab

	mu   sync.Mutex
	said []string
}

// Start starts Firefox; FIREFOX names another one than firefox-esr.
func Start(ctx context.Context) (*Browser, error) {
	path := os.Getenv("FIREFOX")
	if path == "" {
		path = "firefox-esr"
	}
	profile, err := os.MkdirTemp("", "firefox")
	if err != nil {
		return nil, err
	}
	b := &Browser{profile: profile}
	if err := b.start(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("start Firefox (apt-get install firefox-esr, or FIREFOX=path): %w", err), b.Close())
	}
	return b, nil
}

func (b *Browser) start(ctx context.Context, path string) error {
	if err := os.WriteFile(filepath.Join(b.profile, "user.js"), []byte(settings), 0o600); err != nil {
		return err
	}
	program := exec.CommandContext(ctx, path, "--headless", "--no-remote", "--profile", b.profile, "--remote-debugging-port", "0", //nolint:gosec // whoever runs the tests names it
		"--remote-allow-origins", origin, "--window-size", "1280,860", "about:blank")
	program.Env = append(os.Environ(), "HOME="+b.profile, "MOZ_CRASHREPORTER_DISABLE=1")
	out, err := program.StderrPipe()
	if err != nil {
		return err
	}
	if err := program.Start(); err != nil {
		return err
	}
	b.program = program
	address, err := addressIn(out)
	if err != nil {
		return err
	}
	if b.conn, err = dial(address+"/session", b.hear); err != nil {
		return err
	}
	return b.begin(ctx)
}

// addressIn reads where it listens out of its output, the rest of which nobody needs.
func addressIn(out io.Reader) (string, error) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); found {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return address, nil
		}
	}
	return "", errors.Join(errors.New("it does not say where it listens"), lines.Err())
}

// watch notes violations of the page's policy as errors of its console.
const watch = `() => document.addEventListener("securitypolicyviolation", (e) => console.error("violation: " + e.violatedDirective + " " + e.blockedURI))`

func (b *Browser) begin(ctx context.Context) error {
	var tab struct {
		Context string `json:"context"`
	}
	err := errors.Join(
		b.conn.do(ctx, "session.new", map[string]any{"capabilities": map[string]any{}}, nil),
		b.conn.do(ctx, "session.subscribe", map[string]any{"events": []string{"log.entryAdded"}}, nil),
		b.conn.do(ctx, "script.addPreloadScript", map[string]any{"functionDeclaration": watch}, nil),
		// Keys work buttons in a window that has the focus only, and the first one does not get it.
		b.conn.do(ctx, "browsingContext.create", map[string]any{"type": "window"}, &tab),
	)
	if err != nil {
		return err
	}
	b.context = tab.Context
	if err := b.conn.do(ctx, "browsingContext.activate", map[string]any{"context": b.context}, nil); err != nil {
		return err
	}
	return b.conn.do(ctx, "browsingContext.setViewport", map[string]any{"context": b.context, "viewport": map[string]any{"width": 1280, "height": 860}}, nil)
}

// Close ends it and removes its profile.
func (b *Browser) Close() error {
	if b.conn != nil {
		_ = b.conn.ws.Close()
	}
	if b.program != nil {
		_ = b.program.Process.Kill()
		_ = b.program.Wait() // it was killed
	}
	return os.RemoveAll(b.profile)
}

func (b *Browser) hear(_ string, params json.RawMessage) {
	var entry struct {
		Level string `json:"level"`
		Text  string `json:"text"`
	}
	if json.Unmarshal(params, &entry) == nil && entry.Level == "error" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.said = append(b.said, entry.Text)
	}
}

// Errors are the exceptions, errors of the console and violations of the policy so far.
func (b *Browser) Errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}

func (b *Browser) do(method string, params map[string]any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	params["context"] = b.context
	return b.conn.do(ctx, method, params, nil)
}

// Go opens an address.
func (b *Browser) Go(address string) error {
	return b.do("browsingContext.navigate", map[string]any{"url": address, "wait": "complete"})
}

// Eval gives the value of an expression, of a promise what it resolves to.
func Eval[T any](b *Browser, expression string) (T, error) {
	var value T
	var answer struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		Exception struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := b.conn.do(ctx, "script.evaluate", map[string]any{
		"expression": "(async () => JSON.stringify((await (" + expression + ")) ?? null))()", "target": map[string]any{"context": b.context}, "awaitPromise": true,
	}, &answer)
	if err == nil && answer.Type != "success" {
		err = errors.New(answer.Exception.Text)
	}
	if err == nil {
		err = json.Unmarshal([]byte(answer.Result.Value), &value)
	}
	if err != nil {
		return value, fmt.Errorf("%s: %w", expression, err)
	}
	return value, nil
}

// Until waits until an expression is true.
func (b *Browser) Until(expression string) error {
	is, err := Eval[bool](b, fmt.Sprintf(`new Promise((yes) => {
		const end = performance.now() + %d;
		const look = () => {
			let is = false;
			try { is = Boolean(%s); } catch { is = false; }
			if (is) yes(true); else if (performance.now() > end) yes(false); else setTimeout(look, 15);
		};
		look();
	})`, (patience-5*time.Second).Milliseconds(), expression))
	if err == nil && !is {
		seen, _ := Eval[string](b, `(document.querySelector("dialog[open]") ?? document.body).innerText.slice(0, 1500)`)
		err = fmt.Errorf("%s: never came true; the page shows:\n%s", expression, seen) //nolint:err113 // nobody looks for it
	}
	return err
}

// Click clicks the middle of an element with the mouse, when it is there and enabled.
func (b *Browser) Click(selector string) error {
	if err := b.Until(fmt.Sprintf("(() => { const e = document.querySelector(%q); return e && !e.disabled && e.checkVisibility(); })()", selector)); err != nil {
		return err
	}
	at, err := Eval[[]int](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({ block: "nearest" }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round); })()`, selector))
	if err != nil {
		return err
	}
	return b.do("input.performActions", map[string]any{"actions": []map[string]any{{"type": "pointer", "id": "mouse", "actions": []map[string]any{
		{"type": "pointerMove", "x": at[0], "y": at[1]}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
	}}}})
}

// Press presses keys one after another, such as "Tab", "Control+a" or "Enter".
func (b *Browser) Press(names ...string) error { return b.keys(keyboard.Press(names...)) }

// Type types a text where the focus is.
func (b *Browser) Type(text string) error { return b.keys(keyboard.Type(text)) }

func (b *Browser) keys(actions []map[string]any) error {
	return b.do("input.performActions", map[string]any{"actions": []map[string]any{{"type": "key", "id": "keyboard", "actions": actions}}})
}

// Focus gives an element the focus. Tab is no help here: in a headless Firefox it leads out of the page, whose buttons then take
// no keys.
func (b *Browser) Focus(selector string) error {
	if err := b.Until(fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector)); err != nil {
		return err
	}
	_, err := Eval[bool](b, fmt.Sprintf("document.querySelector(%q).focus() ?? true", selector))
	return err
}
