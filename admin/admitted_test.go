package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRunningRequestsEndWithTheRight takes the right away while a request runs, in every way, and looks at why its context
// ends. What the sender may still do goes on.
func TestRunningRequestsEndWithTheRight(t *testing.T) {
	t.Parallel()
	all := tokensText("anna", "act", "lena", "look")
	for name, tt := range map[string]struct {
		least role
		then  string // the text of the file
		ends  bool
	}{
		"act, taken out":       {roleAct, tokensText("lena", "look"), true},
		"act, reveal now":      {roleAct, tokensText("anna", "reveal", "lena", "look"), true},
		"reveal, look now":     {roleReveal, tokensText("anna", "look", "lena", "look"), true},
		"reveal, reveal now":   {roleReveal, tokensText("anna", "reveal", "lena", "look"), false},
		"look, taken out":      {roleLook, tokensText("lena", "look"), true},
		"act, nobody let in":   {roleAct, "\n", true},
		"act, another is gone": {roleAct, tokensText("anna", "act"), false},
		"act, file is broken":  {roleAct, "tokens:", false}, // it keeps its tokens for a minute
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withTokens(t, all, func(t *testing.T, r *rig, write func(string)) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				began, ended := make(chan struct{}), make(chan error, 1)
				handler := r.server.authorised(tt.least, func(_ http.ResponseWriter, req *http.Request, _ caller) {
					close(began)
					<-req.Context().Done()
					ended <- context.Cause(req.Context())
				})
				go handler(httptest.NewRecorder(), r.request("POST", "/api/any", "{}", by("anna")).WithContext(ctx))
				<-began
				write(tt.then)
				time.Sleep(tokenAge + 2*admittedEvery)
				synctest.Wait()
				select {
				case err := <-ended:
					if !tt.ends || !errors.Is(err, errRevoked) {
						t.Errorf("it ended: %v", err)
					}
				default:
					if tt.ends {
						t.Error("it goes on")
					}
				}
				revoked := strings.Contains(r.log.String(), `"audit":"revoked","who":"anna"`)
				if want := tt.ends && tt.least > roleLook; revoked != want {
					t.Errorf("in the audit: %v, want %v:\n%s", revoked, want, r.log)
				}
			})
		})
	}
}

// TestAReplayEndsWithTheRight takes out whoever runs a replay. Another one does the rest, and each event is there once.
func TestAReplayEndsWithTheRight(t *testing.T) {
	t.Parallel()
	withTokens(t, tokensText("anna", "act", "boris", "act"), func(t *testing.T, r *rig, write func(string)) {
		var all []aLetter
		for n := range 60 {
			all = append(all, letterNo(n))
		}
		r.seed(all...)
		const body = `{"filter":{"states":["open"]},"rate":5}` // it takes 12 seconds
		replay := func(body, name string) (last replayLine) {
			t.Helper()
			out := newStreamed()
			go func() {
				r.handler.ServeHTTP(out, r.request("POST", "/api/replay", body, by(name)))
				_ = out.w.Close()
			}()
			removed := false
			for lines := bufio.NewScanner(out.parts); lines.Scan(); {
				last = replayLine{}
				if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
					t.Fatal(err)
				}
				if name == "anna" && last.Progress != nil && last.Progress.Done > 0 && last.Progress.All == 60 && !removed && !strings.Contains(body, "dryRun") {
					removed = true
					write(tokensText("boris", "act"))
				}
			}
			return last
		}
		confirm := replay(with(body, `"dryRun":true`), "anna").Confirm
		first := replay(with(body, `"confirm":"`+confirm+`"`), "anna")
		if !first.Interrupted || !strings.Contains(first.Error.String(), "you may not do this any more") || first.Report.Replayed == 0 || first.Report.Replayed > 20 {
			t.Errorf("the replay of somebody who was taken out: %+v, report %+v", first, first.Report)
		}
		if n := len(r.events()); n != first.Report.Replayed {
			t.Errorf("%d events, reported %d", n, first.Report.Replayed)
		}
		confirm = replay(with(body, `"dryRun":true`), "boris").Confirm
		rest := replay(with(body, `"confirm":"`+confirm+`"`), "boris")
		if rest.Error != nil || rest.Report.Replayed != 60-first.Report.Replayed {
			t.Errorf("the rest %+v, report %+v", rest, rest.Report)
		}
		for id, n := range r.events() {
			if n != 1 {
				t.Errorf("%s was replayed %d times", id, n)
			}
		}
	})
}

// TestAnExportEndsWithTheRight takes out whoever reads an export, slowly. The client notices that it is not complete.
func TestAnExportEndsWithTheRight(t *testing.T) {
	t.Parallel()
	withTokens(t, tokensText("rita", "reveal", "lena", "look"), func(t *testing.T, r *rig, write func(string)) {
		r.seed(letterNo(0), letterNo(1), letterNo(2), letterNo(3))
		out := newStreamed()
		aborted := make(chan any, 1)
		go func() {
			defer func() {
				aborted <- recover()
				_ = out.w.Close()
			}()
			r.handler.ServeHTTP(out, r.request("POST", "/api/letters/export", `{"filter":{}}`, by("rita")))
		}()
		lines := bufio.NewScanner(out.parts)
		if !lines.Scan() {
			t.Fatal("no letter came")
		}
		write(tokensText("lena", "look"))
		time.Sleep(tokenAge + 2*admittedEvery) // the next letter waits for its reader
		n := 1
		for lines.Scan() {
			n++
		}
		if end, _ := (<-aborted).(error); !errors.Is(end, http.ErrAbortHandler) || n > 2 {
			t.Errorf("%d letters came, and the answer ended with %v", n, end)
		}
		for _, l := range r.audits() {
			if l["audit"] == "export" && l["letters"] != nil && (l["failed"] != true || fmt.Sprint(l["letters"]) == "4") {
				t.Errorf("audit %v", l)
			}
		}
	})
}
