package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
)

// ctlCommand groups what the person on duty asks of a running service.
type ctlCommand struct {
	Status       ctlStatusCommand       `cmd:"" help:"Say how it stands: what holds it, and what events wait for."`
	Probe        ctlProbeCommand        `cmd:"" help:"Have the CRM tried at once, as the fault is mended."`
	ReleaseFlood ctlReleaseFloodCommand `cmd:"" name:"release-flood" help:"Have the letters written of events that are refused in a flood: these refusals are right."`
	Pause        ctlPauseCommand        `cmd:"" help:"Pause the delivery of the process: it creates nothing until it is resumed, or ends."`
	Resume       ctlResumeCommand       `cmd:"" help:"Resume the delivery of a process that was paused by ctl pause, or on its page."`
	Token        ctlTokenCommand        `cmd:"" help:"Make a token for somebody, and the line of ADMIN_TOKENS_FILE for it; asks nobody."`
	Close        ctlCloseCommand        `cmd:"" help:"Mark letters as seen, with a word: nothing is to be done about them."`
}

// ctlLimit bounds one question to the page.
const ctlLimit = time.Minute

// pageClient asks the page of a running service.
type pageClient struct{ cfg settings.PageConfig }

// withPage asks the page until a signal comes.
func withPage(s settings.Page, work func(context.Context, pageClient) error) error {
	cfg, err := s.Parse()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(interruptGrace, onStop{})
	defer stop()
	limited, cancel := context.WithTimeout(ctx, ctlLimit)
	defer cancel()
	err = work(limited, pageClient{cfg})
	if interrupted(ctx) {
		return exitStatus(exitInterrupted)
	}
	return err
}

// ask makes a request and decodes its answer; body nil: GET.
func (c pageClient) ask(ctx context.Context, path string, body, to any) error {
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		method, content = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, content)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is not for others
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the page of %s does not answer: give --admin the address of the ADMIN_ADDR of a service that runs: %w", c.cfg.URL, err)
	}
	defer resp.Body.Close()
	return c.read(resp, to)
}

// answerLimit bounds what is read of an answer.
const answerLimit = 16 << 20

func (c pageClient) read(resp *http.Response, to any) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.cfg.URL, err)
	}
	var problem struct{ Detail string }
	switch {
	case resp.StatusCode == http.StatusOK:
		if err := json.Unmarshal(text, to); err != nil {
			return fmt.Errorf("the answer of %s is not that of a page: look at --admin: %w", c.cfg.URL, err)
		}
		return nil
	case resp.StatusCode == http.StatusUnauthorized:
		return errors.New("the page does not let us in: give your token by ADMIN_TOKEN_FILE or ADMIN_TOKEN")
	case json.Unmarshal(text, &problem) == nil && problem.Detail != "":
		return fmt.Errorf("the page refuses (%d): %s", resp.StatusCode, clean(problem.Detail))
	}
	return fmt.Errorf("%s answers %s: give --admin the address of ADMIN_ADDR, not that of HTTP_ADDR", c.cfg.URL, resp.Status)
}

type ctlStatusCommand struct {
	settings.Page `embed:""`

	Output string `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or the page's own JSON."`
}

// pageState is what ctl reads of the page's state.
type pageState struct {
	State      string   `json:"state"`
	Ready      bool     `json:"ready"`
	Reason     string   `json:"reason"`
	Lag        *int64   `json:"lag"`
	LagSeconds *float64 `json:"lagSeconds"`
	Holds      []struct {
		Cause  string    `json:"cause"`
		Title  string    `json:"title"`
		Since  time.Time `json:"since"`
		Until  time.Time `json:"until"`
		Advice string    `json:"advice"`
	} `json:"holds"`
	Waiting []struct {
		Why    string    `json:"why"`
		Events *int64    `json:"events"`
		Since  time.Time `json:"since"`
		Until  time.Time `json:"until"`
		Text   string    `json:"text"`
	} `json:"waiting"`
	Letters struct {
		Open int `json:"open"`
	} `json:"letters"`
}

// Run says how the service stands.
func (c ctlStatusCommand) Run(p process) error {
	return withPage(c.Page, func(ctx context.Context, page pageClient) error {
		var raw json.RawMessage
		if err := page.ask(ctx, "/api/state", nil, &raw); err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(p.stdout, raw)
		}
		var s pageState
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("the state of %s cannot be read: %w", page.cfg.URL, err)
		}
		return s.print(p.stdout)
	})
}

func (s pageState) print(w io.Writer) error {
	out := reporter{w: w}
	ready := "ready"
	if !s.Ready {
		ready = "not ready"
	}
	lag := "the lag is not known"
	if s.Lag != nil && s.LagSeconds != nil {
		lag = fmt.Sprintf("%s behind, the oldest for %v", counted(int(*s.Lag), "record"), time.Duration(*s.LagSeconds*float64(time.Second)).Round(time.Second))
	}
	out.line("%s, %s; %s; %s.", s.State, ready, lag, counted(s.Letters.Open, "open letter"))
	if s.Reason != "" {
		out.line("  %s", clean(s.Reason))
	}
	for _, h := range s.Holds {
		out.line("  held: %s since %s%s: %s", h.Cause, h.Since.UTC().Format(time.DateTime), untilText(h.Until), clean(h.Advice))
	}
	for _, wait := range s.Waiting {
		n := "an unknown number of events"
		if wait.Events != nil {
			n = counted(int(*wait.Events), "event")
		}
		out.line("  waiting: %s since %s%s (%s): %s", n, wait.Since.UTC().Format(time.DateTime), untilText(wait.Until), wait.Why, clean(wait.Text))
	}
	return out.err
}

func untilText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", until " + at.UTC().Format(time.DateTime)
}

type ctlProbeCommand struct {
	settings.Page `embed:""`
}

// Help says what a probe does.
func (ctlProbeCommand) Help() string {
	return "One event leaves at once, whatever the next probe would wait for, a pause that the CRM asked for too; what backs off is tried as well. " +
		"When it passes, the hold ends. Each replica has holds of its own: ask each."
}

// Run asks for a probe.
func (c ctlProbeCommand) Run(p process) error {
	return withPage(c.Page, func(ctx context.Context, page pageClient) error {
		var done pageState
		if err := page.ask(ctx, "/api/probe", struct{}{}, &done); err != nil {
			return err
		}
		out := reporter{w: p.stdout}
		out.line("The CRM is tried now.")
		if len(done.Holds) == 0 {
			out.line("Nothing was held; what backs off is tried.")
		}
		for _, h := range done.Holds {
			out.line("  It was held: %s since %s%s.", h.Cause, h.Since.UTC().Format(time.DateTime), untilText(h.Until))
		}
		return out.err
	})
}

type ctlReleaseFloodCommand struct {
	settings.Page `embed:""`
}

// Help says what a release does.
func (ctlReleaseFloodCommand) Help() string {
	return "Events that the CRM refuses as it refuses all others wait, as a rule of the portal may be at fault. This says that the refusals are right: their letters are written at once, " +
		"and refusals count anew. Each replica has a flood of its own: ask each."
}

// Run releases a flood.
func (c ctlReleaseFloodCommand) Run(p process) error {
	return withPage(c.Page, func(ctx context.Context, page pageClient) error {
		var done struct{ Letters int }
		if err := page.ask(ctx, "/api/flood/release", struct{}{}, &done); err != nil {
			return err
		}
		out := reporter{w: p.stdout}
		if done.Letters == 0 {
			out.line("No event waits as refused in a flood.")
		} else {
			out.line("%s written.", counted(done.Letters, "letter"))
		}
		return out.err
	})
}

type ctlPauseCommand struct {
	settings.Page `embed:""`
}

// Help says what a pause does.
func (ctlPauseCommand) Help() string {
	return "Leads wait in Kafka, and the other replicas go on. PAUSED_FILE pauses all of them."
}

// Run pauses the delivery.
func (c ctlPauseCommand) Run(p process) error { return setPaused(p, c.Page, true) }

type ctlResumeCommand struct {
	settings.Page `embed:""`
}

// Help says what is not resumed.
func (ctlResumeCommand) Help() string {
	return "A pause by PAUSED or PAUSED_FILE goes on until that is taken back."
}

// Run resumes the delivery.
func (c ctlResumeCommand) Run(p process) error { return setPaused(p, c.Page, false) }

// setPaused pauses or resumes the delivery of a process, and says what pauses it then.
func setPaused(p process, s settings.Page, paused bool) error {
	return withPage(s, func(ctx context.Context, page pageClient) error {
		var done struct{ Paused bool }
		if err := page.ask(ctx, "/api/pause", map[string]bool{"paused": paused}, &done); err != nil {
			return err
		}
		out := reporter{w: p.stdout}
		if done.Paused {
			out.line("Paused: this process creates nothing until it is resumed. Other replicas go on.")
			return out.err
		}
		out.line("This process is not paused by its page any more.")
		return out.err
	})
}

type ctlCloseCommand struct {
	Places []string `arg:"" name:"partition:offset" help:"These letters."`

	settings.Page `embed:""`

	Word string `required:"" placeholder:"TEXT" help:"Why nothing is to be done, such as 'a test of ours': one line, without e-mail addresses and phone numbers."`
}

// Run closes letters.
func (c ctlCloseCommand) Run(p process) error {
	return withPage(c.Page, func(ctx context.Context, page pageClient) error {
		var done dlt.Closing
		if err := page.ask(ctx, "/api/letters/close", map[string]any{"places": c.Places, "word": c.Word}, &done); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "Closed %s. Closed or replayed before: %d.\n", counted(done.Letters, "letter"), done.Already)
		return err
	})
}
