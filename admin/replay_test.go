package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// replayed asks for a replay and gives its last line and how many lines of progress came before.
func (r *rig) replayed(body string) (last replayLine, told int) {
	r.t.Helper()
	w := r.ask("POST", "/api/replay", body)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" {
		r.t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	for line := range strings.Lines(w.Body.String()) {
		last = replayLine{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			r.t.Fatal(err)
		}
		if last.Progress != nil {
			told++
		}
	}
	if last.Report == nil {
		r.t.Fatalf("no report at the end: %s", w.Body)
	}
	return last, told
}

// with puts more fields into a body.
func with(body, more string) string { return strings.TrimSuffix(body, "}") + "," + more + "}" }

// TestReplay runs dry, and then for good: each event once, however often it is asked for.
func TestReplay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0), letterNo(1), letterNo(2))
		const body = `{"places":["0:0","1:0","0:0"]}`
		dry, told := r.replayed(with(body, `"dryRun":true`))
		if dry.Report.Letters != 2 || dry.Report.Replayed != 0 || !dry.Report.DryRun || dry.Confirm == "" || told == 0 || len(dry.Report.Routes) != 2 {
			t.Errorf("dry run %+v, %d lines of progress", dry, told)
		}
		if n := len(r.events()); n != 0 {
			t.Fatalf("a dry run wrote %d events", n)
		}
		for _, wrong := range []string{body, with(body, `"confirm":"made up"`), with(`{"places":["0:0"]}`, `"confirm":"`+dry.Confirm+`"`),
			with(body, `"jq":".","confirm":"`+dry.Confirm+`"`)} {
			if w := r.ask("POST", "/api/replay", wrong); w.Code != http.StatusConflict {
				t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
			}
		}
		if n := len(r.events()); n != 0 {
			t.Fatalf("replays that nobody confirmed wrote %d events", n)
		}
		confirmed := with(body, `"confirm":"`+dry.Confirm+`","rate":0`)
		if f := r.search(`{"states":["open"]}`); f.Total != 3 {
			t.Errorf("%d letters are open", f.Total)
		}
		done, _ := r.replayed(confirmed)
		if f := r.search(`{"states":["replayed"]}`); f.Total != 2 {
			t.Errorf("%d letters are shown as replayed at once", f.Total)
		}
		if done.Report.Replayed != 2 || done.Error != nil || done.Confirm != "" || done.Interrupted {
			t.Errorf("replay %+v", done)
		}
		again, _ := r.replayed(confirmed)
		if again.Report.Replayed != 0 || again.Report.Already != 2 {
			t.Errorf("again %+v", again)
		}
		if events := r.events(); events["ce:/site 0"] != 1 || events["ce:/site 1"] != 1 || len(events) != 2 {
			t.Errorf("events %v, want two, each once", events)
		}
		lines := r.audits()
		var acts []string
		for _, l := range lines {
			acts = append(acts, l["audit"].(string))
		}
		if got := strings.Join(acts, " "); got != "dry_run dry_run replay replay replay replay replay replayed replay replay replay" {
			t.Fatalf("audit lines %s", got)
		}
		named := fmt.Sprint(lines[7]["event_ids"])
		for _, id := range []string{"ce:/site 0", "ce:/site 1"} {
			if !strings.Contains(named, transform.PublicID(id)) || strings.Contains(r.log.String(), id) {
				t.Errorf("the audit names %s, not only the hash of %s", named, id)
			}
		}
		if l := lines[8]; l["who"] != "bearer" || l["replayed"] != 2.0 || l["interrupted"] != false || fmt.Sprint(l["reasons"]) != "[CRM_REFUSED]" {
			t.Errorf("audit line of the replay %v", l)
		}
	})
}

// TestReplayByFilter replays what the dry run showed, not what came since.
func TestReplayByFilter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0), letterNo(1), letterNo(2))
		const body = `{"filter":{"states":["open"],"text":"nobody","except":["0:1"]}}`
		dry, _ := r.replayed(with(body, `"dryRun":true`))
		if dry.Report.Letters != 2 {
			t.Fatalf("dry run %+v", dry)
		}
		r.seed(letterNo(3))
		time.Sleep(lettersEvery)
		done, _ := r.replayed(with(body, `"confirm":"`+dry.Confirm+`"`))
		if events := r.events(); done.Report.Replayed != 2 || len(events) != 2 || events["ce:/site 3"] != 0 {
			t.Errorf("replay %+v of %v, want the two of the dry run", done, events)
		}
		none, _ := r.replayed(`{"filter":{"text":"nobody is called so"},"dryRun":true}`)
		if none.Report.Letters != 0 || none.Confirm == "" {
			t.Errorf("a filter that chooses nothing: %+v", none)
		}
		if done, _ := r.replayed(`{"filter":{"text":"nobody is called so"},"confirm":"` + none.Confirm + `"}`); done.Report.Replayed != 0 {
			t.Errorf("a replay of nothing: %+v", done)
		}
		if n := len(r.events()); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

// TestReplayWithAnEdit mends one letter by a new value and others by jq.
func TestReplayWithAnEdit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0), letterNo(1))
		for _, body := range []string{
			`{"places":["0:0"],"edit":{"place":"0:0","value":"{\"name\":\"Mended\",\"email\":\"mended@example.com\"}"}}`,
			`{"places":["1:0"],"jq":".name = \"Mended\""}`,
		} {
			dry, _ := r.replayed(with(body, `"dryRun":true`))
			done, _ := r.replayed(with(body, `"confirm":"`+dry.Confirm+`"`))
			if dry.Report.Edited != 1 || done.Report.Edited != 1 || done.Report.Replayed != 1 {
				t.Errorf("%s: %+v, %+v", body, dry, done)
			}
		}
		for id := range 2 {
			records, _, err := r.server.peers.log.Read(t.Context(), id, 0, 1<<20)
			if err != nil || len(records) != 1 || !strings.Contains(string(records[0].Value), "Mended") || header.Text(records[0].Headers, header.Replays) != "1" {
				t.Errorf("partition %d: %v %d records", id, err, len(records))
			}
		}
	})
}

// TestReplayFaults names the field that is wrong.
func TestReplayFaults(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		for body, field := range map[string]string{
			`{}`:                             "places",
			`{"places":["0:0"],"filter":{}}`: "places",
			`{"places":["x"]}`:               "places",
			`{"filter":{"states":["x"]}}`:    "filter",
			`{"places":["0:0"],"jq":".["}`:   "jq",
			`{"places":["0:0"],"rate":-1}`:   "rate",
			`{"places":["0:0"],"jq":".","edit":{"place":"0:0","value":"{}"}}`:  "jq",
			`{"places":["0:0","0:1"],"edit":{"place":"0:0","value":"{}"}}`:     "edit",
			`{"filter":{},"edit":{"place":"0:0","value":"{}"}}`:                "edit",
			`{"places":["0:0"],"edit":{"place":"0:0","value":"[]"}}`:           "value",
			`{"places":["0:0"],"edit":{"place":"0:0","value":"null"}}`:         "value",
			`{"places":["0:0"],"edit":{"place":"0:0","value":"{\n\"a\":\n}"}}`: "value",
		} {
			w := r.ask("POST", "/api/replay", with(body, `"dryRun":true`))
			if body == `{}` {
				w = r.ask("POST", "/api/replay", body)
			}
			var d details
			if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusBadRequest || d.Field != field || d.Detail == "" {
				t.Errorf("%s: %d %s, want %s at fault", body, w.Code, w.Body, field)
			}
		}
		gone, _ := r.replayed(`{"places":["0:9"],"dryRun":true}`)
		if gone.Error == nil || gone.Confirm != "" {
			t.Errorf("a letter that is not there: %+v", gone)
		}
	})
}

// TestInterruptedReplay cuts a replay short, by its reader and by the service's drain, and
// asks for the same again: in the end each event is there once.
func TestInterruptedReplay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		var all []aLetter
		for n := range 60 {
			all = append(all, letterNo(n))
		}
		r.seed(all...)
		const body = `{"filter":{"states":["open"]}}`
		dry, _ := r.replayed(with(body, `"dryRun":true`))
		confirmed := with(body, `"confirm":"`+dry.Confirm+`"`)
		// Each attempt is cut short after a second, of the 2.4 that it would take.
		cut := func(end func(cancel func())) replayLine {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := newStreamed()
			go func() {
				r.handler.ServeHTTP(out, r.request("POST", "/api/replay", confirmed).WithContext(ctx))
				_ = out.w.Close()
			}()
			go func() {
				time.Sleep(time.Second)
				end(cancel)
			}()
			var last replayLine
			for lines := bufio.NewScanner(out.parts); lines.Scan(); {
				last = replayLine{}
				if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
					t.Error(err)
				}
				if last.Progress == nil || last.Progress.Done > 10 {
					continue // it may have ended
				}
				if w := r.ask("POST", "/api/replay", confirmed); w.Code != http.StatusConflict {
					t.Errorf("a second replay at a time: %d", w.Code)
				}
			}
			return last
		}
		first := cut(func(cancel func()) { cancel() })
		synctest.Wait()
		if !first.Interrupted || first.Report.Replayed == 0 || first.Report.Replayed == 60 {
			t.Errorf("the first attempt %+v", first)
		}
		second := cut(func(func()) { r.server.Drain() })
		if !second.Interrupted || !strings.Contains(second.Error.String(), "stopping") {
			t.Errorf("the second attempt %+v", second)
		}
		r.server.work, r.server.stop = context.WithCancel(context.Background()) // another process
		done, _ := r.replayed(confirmed)
		if done.Interrupted || done.Error != nil || done.Report.Replayed+done.Report.Already != 60 || done.Report.Already < first.Report.Replayed {
			t.Errorf("the last attempt %+v", done)
		}
		events := r.events()
		if len(events) != 60 {
			t.Errorf("%d events, want 60", len(events))
		}
		for id, n := range events {
			if n != 1 {
				t.Errorf("%s was replayed %d times", id, n)
			}
		}
		interrupted := 0
		for _, l := range r.audits() {
			if l["interrupted"] == true {
				interrupted++
			}
		}
		if interrupted != 2 {
			t.Errorf("%d audit lines tell of an interruption, want 2", interrupted)
		}
	})
}

// TestAConfirmationIsOfItsLetters: what failed again since the dry run is not replayed by it.
func TestAConfirmationIsOfItsLetters(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0), letterNo(1))
		const body = `{"places":["0:0"],"edit":{"place":"0:0","value":"{\"name\":\"Mended\",\"email\":\"m@example.com\"}"}}`
		dry, _ := r.replayed(with(body, `"dryRun":true`))
		confirmed := with(body, `"confirm":"`+dry.Confirm+`"`)
		r.replayed(confirmed)
		again := letterNo(0)
		again.replays, again.value = 1, `{"name":"Another","email":"other@example.com"}`
		r.seed(again)
		if second, _ := r.replayed(confirmed); second.Report.Replayed != 0 || second.Error != nil {
			t.Errorf("a letter that no dry run showed: %+v", second)
		}
		if events := r.events(); events["ce:/site 0"] != 1 {
			t.Errorf("events %v", events)
		}
	})
}

// TestAConfirmationCannotBeMadeUp: another process's is worth nothing.
func TestAConfirmationCannotBeMadeUp(t *testing.T) {
	t.Parallel()
	var first string
	for range 2 {
		bubble(t, func(t *testing.T, r *rig) {
			r.seed(letterNo(0))
			if w := r.ask("POST", "/api/replay", `{"places":["0:0"],"confirm":"`+first+`"}`); w.Code != http.StatusConflict {
				t.Errorf("%q: %d %s", first, w.Code, w.Body)
			}
			dry, _ := r.replayed(`{"places":["0:0"],"dryRun":true}`)
			first = dry.Confirm
		})
	}
}

// TestSettleWaitsForAReplay, and lets none begin after it.
func TestSettleWaitsForAReplay(t *testing.T) {
	t.Parallel()
	r := newReplays()
	end, ok := r.begin(false)
	if _, second := r.begin(false); !ok || second {
		t.Fatalf("begun %v, beside it another: %v", ok, second)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r.close(gone) // gives up
	closed := make(chan struct{})
	go func() { defer close(closed); r.close(t.Context()) }()
	end()
	<-closed
	if _, ok := r.begin(false); ok {
		t.Error("a replay begins after the end")
	}
}
