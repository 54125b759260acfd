// Package webkit drives WebKitGTK as a person does, by WebKitWebDriver and on a screen of its own that nobody sees (Xvfb).
package webkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/browser/internal/keyboard"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 2 * time.Minute

// look is how often a condition is looked at.
const look = 50 * time.Millisecond

// Browser is a running MiniBrowser, WebKitGTK's own, with one tab.
type Browser struct {
	home     string
	programs []*exec.Cmd // what it runs on; the last one was started last
	address  string      // of the driver and, behind it, of the session
}

// Start starts a screen, the driver, which WEBKIT names, and by it the browser.
func Start(ctx context.Context) (*Browser, error) {
	home, err := os.MkdirTemp("", "webkit")
	if err != nil {
		return nil, err
	}
	b := &Browser{home: home}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start WebKit (apt-get install webkit2gtk-driver xvfb, or WEBKIT=path of WebKitWebDriver): %w", err), b.Close())
	}
	return b, nil
}

func (b *Browser) start(ctx context.Context) error {
	display, err := b.screen(ctx)
	if err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	driver := os.Getenv("WEBKIT")
	if driver == "" {
		driver = "WebKitWebDriver"
	}
	program := exec.CommandContext(ctx, driver, "--port="+port) //nolint:gosec // whoever runs the tests names it
	// A container's root has no sandbox, and a screen that nobody sees no graphics card.
	program.Env = append(os.Environ(), "HOME="+b.home, "DISPLAY=:"+display, "LANG=C.UTF-8", "LANGUAGE=en_GB", "GDK_BACKEND=x11",
		"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1", "WEBKIT_DISABLE_COMPOSITING_MODE=1", "WEBKIT_DISABLE_DMABUF_RENDERER=1")
	if err := program.Start(); err != nil {
		return err
	}
	b.programs = append(b.programs, program)
	b.address = "http://127.0.0.1:" + port
	if err := b.answers(ctx); err != nil {
		return err
	}
	var session struct {
		ID string `json:"sessionId"`
	}
	if err := b.do(ctx, http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{}}, &session); err != nil {
		return err
	}
	b.address += "/session/" + session.ID
	return b.do(ctx, http.MethodPost, "/window/rect", map[string]any{"x": 0, "y": 0, "width": 1280, "height": 900}, nil)
}

// screen starts a screen, and returns its number, which it chooses itself.
func (b *Browser) screen(ctx context.Context) (string, error) {
	program := exec.CommandContext(ctx, "Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	out, err := program.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := program.Start(); err != nil {
		return "", err
	}
	b.programs = append(b.programs, program)
	number, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the screen does not say its number: %w", err)
	}
	return strings.TrimSpace(number), nil
}

// freePort returns a port that nobody listens at: the driver takes none that it chooses itself.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// answers waits until the driver answers.
func (b *Browser) answers(ctx context.Context) error {
	for end := time.Now().Add(patience); ; {
		err := b.do(ctx, http.MethodGet, "/status", nil, nil)
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return err
		}
		pause(ctx)
	}
}

// pause waits until the next look.
func pause(ctx context.Context) {
	select {
	case <-time.After(look):
	case <-ctx.Done():
	}
}

// Close ends it and removes its home.
func (b *Browser) Close() error {
	if strings.Contains(b.address, "/session/") {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = b.do(ctx, http.MethodDelete, "", nil, nil) // the driver ends the browser; what is left ends with the screen
	}
	for _, p := range slices.Backward(b.programs) {
		_ = p.Process.Kill()
		_ = p.Wait() // it was killed
	}
	return os.RemoveAll(b.home)
}

// errDriver says that the browser could not do what it was told.
var errDriver = errors.New("the driver says")

// do sends a command and reads its value into result, unless that is nil.
func (b *Browser) do(ctx context.Context, method, path string, body, result any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, b.address+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Value json.RawMessage `json:"value"`
	}
	text, err = io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w: %s", path, errDriver, answer.Value)
	case result == nil:
		return nil
	}
	return json.Unmarshal(answer.Value, result)
}

// watch notes errors and violations of the page's policy. It begins when the document is loaded.
const watch = `window.said = [];
addEventListener("error", (e) => window.said.push(e.message));
addEventListener("unhandledrejection", (e) => window.said.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) => window.said.push("violation: " + e.violatedDirective + " " + e.blockedURI));
return true`

// Go opens an address.
func (b *Browser) Go(address string) error {
	if err := b.do(context.Background(), http.MethodPost, "/url", map[string]any{"url": address}, nil); err != nil {
		return err
	}
	return b.run(watch, nil)
}

func (b *Browser) run(script string, result any) error {
	return b.do(context.Background(), http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": []any{}}, result)
}

// Errors are the exceptions and violations of the policy of the document so far.
func (b *Browser) Errors() []string {
	var said []string
	if err := b.run("return window.said", &said); err != nil {
		return []string{err.Error()}
	}
	return said
}

// Until waits until an expression is true.
func (b *Browser) Until(expression string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); pause(context.Background()) {
		var is bool
		if err := b.run("try { return Boolean("+expression+"); } catch { return false; }", &is); err != nil || is {
			return err
		}
	}
	var seen string
	_ = b.run(`return (document.querySelector("dialog[open]") ?? document.body).innerText.slice(0, 1500)`, &seen)
	return fmt.Errorf("%s: never came true; the page shows:\n%s", expression, seen) //nolint:err113 // nobody looks for it
}

// Click clicks the middle of an element with the mouse, when it is there and enabled.
func (b *Browser) Click(selector string) error {
	if err := b.Until(fmt.Sprintf("(() => { const e = document.querySelector(%q); return e && !e.disabled && e.checkVisibility(); })()", selector)); err != nil {
		return err
	}
	var at [2]int
	script := fmt.Sprintf(`const e = document.querySelector(%q); e.scrollIntoView({ block: "nearest" }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round)`, selector)
	if err := b.run(script, &at); err != nil {
		return err
	}
	return b.act("pointer", []map[string]any{{"type": "pointerMove", "x": at[0], "y": at[1]}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}})
}

func (b *Browser) act(with string, actions []map[string]any) error {
	return b.do(context.Background(), http.MethodPost, "/actions", map[string]any{"actions": []map[string]any{{"type": with, "id": with, "actions": actions}}}, nil)
}

// Press presses keys one after another, such as "Control+Enter" or "Space".
func (b *Browser) Press(names ...string) error { return b.act("key", keyboard.Press(names...)) }

// Type types a text where the focus is.
func (b *Browser) Type(text string) error { return b.act("key", keyboard.Type(text)) }

// Focus gives an element the focus.
func (b *Browser) Focus(selector string) error {
	if err := b.Until(fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector)); err != nil {
		return err
	}
	return b.run(fmt.Sprintf("document.querySelector(%q).focus()", selector), nil)
}
