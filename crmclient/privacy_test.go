package crmclient_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Nothing of a contact and nothing of a key reaches a log line, an error, a metric or the status,
// whatever goes wrong.
func TestNoPersonalDataNoSecretAnywhere(t *testing.T) {
	const token = "session-5ecret"
	var out strings.Builder
	for _, o := range []crmtest.Options{{}, portalWithField()} {
		inBubble(t, o, func(c *crmclient.Config) {
			c.APIKey.Value, c.SessionToken.Value = "vibe_app_5ecret", token
			c.Log = c.Log.Level(zerolog.TraceLevel)
			c.Comment = crmclient.CommentBoth
		}, func(w *world) {
			w.sim.Script(func(c crmtest.Call) crmtest.Action {
				if strings.Contains(string(c.Body), "Poison") { // the CRM repeats what it was given
					return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Message: string(c.Body) + c.Header.Get("X-Api-Key")}
				}
				return crmtest.Action{}
			})
			w.setFaults(crmtest.Faults{FailBefore: .1, ApplyThenFail: .1, Hang: .05, Reset: .1, Truncate: .1, HTML: .1, Throttle: .1, BadKey: .1})
			ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Hour)
			defer cancel()
			var all []<-chan ended
			for n := range 60 {
				r := lead(n)
				if n%10 == 0 {
					r.Contact.Name = "Poison"
				}
				r.Contact.Comments = "Private words"
				r.Contact.UserFields = map[string]any{"ufCrm_UNKNOWN": "Private", "ufCrm_" + r.Contact.Emails[0].Value: true}
				all = append(all, w.start(ctx, r))
			}
			later(20 * time.Second)
			w.server.Refuse(fmt.Errorf("dial %s", goodKey))
			w.server.Drop()
			later(time.Minute)
			fmt.Fprintf(&out, "%+v\n", w.creator.Status())
			w.server.Refuse(nil)
			for _, done := range all {
				e := <-done
				fmt.Fprintf(&out, "%v %+v\n", e.err, e.result)
			}
			fmt.Fprintf(&out, "%+v\n", w.creator.Preflight(ctx, "WEB", false))
			families, err := w.metrics.Gather()
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(&out, "%v\n%s", families, w.logs)
		})
	}
	if out.Len() < 1000 {
		t.Fatalf("too little output to judge: %s", out.String())
	}
	for _, word := range []string{"5ecret", token, "Name1", "Surname", "+7916", "7916000", "@example.ru", "Poison", "Private"} {
		if i := strings.Index(out.String(), word); i >= 0 {
			t.Errorf("%q is in the output: …%s…", word, out.String()[max(0, i-200):min(out.Len(), i+100)])
		}
	}
}

// The CRM quotes our credentials, those of before among them: a refusal has none of them.
func TestRejectionQuotesNoSecret(t *testing.T) {
	o := portalWithField()
	o.Sessions = []string{"session-one"}
	file := secretFile(t, "session-one")
	words := strings.Repeat("x", 2044) // a key that is cut in the middle counts as well
	inBubble(t, o, func(c *crmclient.Config) {
		c.APIKey.Value, c.SessionToken = "vibe_app_5ecret", crmclient.Secret{File: file}
	}, func(w *world) {
		w.mustCreate(lead(1))
		w.sim.Update(func(o *crmtest.Options) { o.Sessions = []string{"session-one-and-two"} })
		writeFile(t, file, "session-one-and-two")
		w.mustCreate(lead(2))
		for message, want := range map[string]string{
			`no; key vibe_app_5ecret`:                             "no; key ***",
			"Bearer session-one, not session-one-and-two, please": "Bearer ***, not ***, please",
			words + "vibe_app_5ecret":                             words + "***",
			"session lost":                                        "session lost",
		} {
			w.firstOnly(crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Message: message})
			if r := rejection(w.create(lead(3)).err); r == nil || r.Message != want {
				w.t.Errorf("%q: %+v, want %q", message, r, want)
			}
		}
		w.firstOnly(crmtest.Action{Status: 409, Code: "vibe_app_5ecret", Header: http.Header{"X-Request-Id": {"session-one"}}})
		w.mustCreate(lead(4))
		if w.logs.count("5ecret")+w.logs.count("session-one") != 0 {
			w.t.Errorf("a secret in the log: %s", w.logs)
		}
	})
}

func TestRejectionTellsNoMessage(t *testing.T) {
	r := &crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Code: "VALIDATION_ERROR", Message: "Ivan", Attempts: 3}
	if got, want := r.Error(), "CRM_REFUSED: status 400: VALIDATION_ERROR"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := (&crmclient.Rejection{Reason: crmclient.ReasonTooLarge}).Error(), "TOO_LARGE"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestSecretsPrintMasked(t *testing.T) {
	cfg := crmclient.Config{APIKey: crmclient.Secret{Value: "vibe_api_5ecret", File: "key-file"}}
	var log strings.Builder
	logger := zerolog.New(&log)
	logger.Info().Interface("config", cfg.APIKey).Stringer("key", cfg.APIKey).Msg("")
	text, err := json.Marshal(map[string]any{"key": cfg.APIKey, "pointer": &cfg.APIKey})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s", cfg.APIKey, cfg.APIKey, cfg.APIKey, cfg.APIKey),
		fmt.Sprintf("%v %+v", &cfg.APIKey, struct{ S crmclient.Secret }{cfg.APIKey}), string(text), log.String()} {
		if strings.Contains(out, "5ecret") || !strings.Contains(out, "***") {
			t.Errorf("printed %s", out)
		}
	}
}

// Faulty settings are told together, each by its name, and never with what it holds.
func TestNewTellsAllFaults(t *testing.T) {
	_, err := crmclient.New(crmclient.Config{
		BaseURL:      "nowhere",
		APIKey:       crmclient.Secret{Value: "vibe api 5ecret"},
		SessionToken: crmclient.Secret{File: "/does/not/exist"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"CRM_BASE_URL", "CRM_API_KEY", "CRM_SESSION_TOKEN_FILE"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing in %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "5ecret") {
		t.Errorf("error holds the key: %v", err)
	}
}
