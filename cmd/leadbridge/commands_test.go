package main

import (
	"bytes"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestCheckAndFix looks at a cluster without topics, makes them, and looks again.
func TestCheckAndFix(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	code, stdout, stderr := inProcess(r.env(nil), "", "check")
	if code != exitFailed || !strings.Contains(stdout, "FAIL") || !strings.Contains(stdout, "--fix") {
		t.Errorf("without topics: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = inProcess(r.env(nil), "", "check", "--fix"); code != exitOK {
		t.Errorf("--fix: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = inProcess(r.env(nil), "", "check"); code != exitOK || strings.Contains(stdout, "FAIL") {
		t.Errorf("after --fix: exit %d\n%s%s", code, stdout, stderr)
	}
	if r.cluster.TopicInfo("leads") == nil || r.cluster.TopicInfo("leads.dlt") == nil {
		t.Error("--fix made no topics")
	}
	for line := range strings.Lines(stdout) {
		if strings.Contains(line, "vibe_api_good") {
			t.Errorf("a check tells the key: %s", line)
		}
	}
}

// Cards are not filled in a portal of which it is not known what updates do: the check refuses that, and names the remedy.
func TestCheckRefusesToFillCardsOfAnUnknownPortal(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt")
	code, stdout, stderr := inProcess(r.env(map[string]string{"CRM_MATCH": "email", "CRM_ON_MATCH": "fill"}), "", "check")
	if said := stdout + stderr; code == exitOK || !strings.Contains(said, "CRM_ON_MATCH") || !strings.Contains(said, "set PORTAL_PROFILE=portal.json") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

func TestCheckOfABadKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true, Keys: []string{"vibe_api_other"}}, "leads", "leads.dlt")
	code, stdout, _ := inProcess(r.env(nil), "", "check")
	if code != exitFailed || !strings.Contains(stdout, "FAIL") || !strings.Contains(stdout, "CRM_API_KEY") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

// TestSim starts the simulator, makes a contact in it, and ends it.
func TestSim(t *testing.T) {
	t.Parallel()
	p := start(t, "main", map[string]string{"HTTP_ADDR": "127.0.0.1:0", "SIM_FAULTS": "refuse=NOBODY"}, "sim")
	_, address, _ := strings.Cut(p.await(t, "http://"), "http://")
	s := server{program: p, url: "http://" + address}
	post := func(body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/contacts", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Api-Key", "YOUR_API_KEY")
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if code := post(`{"name":"Ivan","phone":"+79161234567"}`); code != http.StatusCreated {
		t.Errorf("create: %d, want 201", code)
	}
	if code := post(`{"name":"NOBODY"}`); code != http.StatusBadRequest {
		t.Errorf("create that --faults refuses: %d, want 400", code)
	}
	if code, body := s.get("/"); code != http.StatusOK || !strings.Contains(body, "Ivan") {
		t.Errorf("its page: %d %.300s", code, body)
	}
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}

// TestDemo also compares what the report counts with what the pages show of it.
func TestDemo(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := inProcess(nil, "", "demo", "--events=60")
	if code != exitOK || !strings.Contains(stdout, "Audit passed") || !strings.Contains(stdout, "Duplicates          0") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	pages := docs(t)
	for _, page := range []string{"README.md", "docs/commands.md"} {
		if diff := cmp.Diff(demoLabels(stdout), demoLabels(pages[page])); diff != "" {
			t.Errorf("%s (-printed +shown):\n%s", page, diff)
		}
	}
}

// TestBrokenDemo deletes a contact behind the demo's back: it must see it.
func TestBrokenDemo(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]func(*crmtest.Simulator){
		"lost":    func(s *crmtest.Simulator) { s.Delete(s.Contacts()[0].ID) },
		"doubled": func(s *crmtest.Simulator) { double(t, s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := demoCommand{Events: 15, Seed: 2, sabotage: sabotage}.Run(process{stdout: &out, stderr: &out})
			if code := exitCode(err, process{stderr: &out}); code != exitFailed || !strings.Contains(out.String(), "AUDIT FAILED") {
				t.Errorf("exit %d, want 1\n%s", code, out.String())
			}
		})
	}
}

// double makes a second contact of an event.
func double(t *testing.T, s *crmtest.Simulator) {
	t.Helper()
	if _, err := s.Create(`{"name":"Twin","sourceDescription":"` + s.Contacts()[0].OriginID() + `"}`); err != nil {
		t.Error(err)
	}
}

// TestKeptDemo looks at what a demo leaves running, and ends it.
func TestKeptDemo(t *testing.T) {
	t.Parallel()
	p := start(t, "main", nil, "demo", "--events=15", "--keep", "--logs")
	p.await(t, "partitions assigned")
	eventually(t, "the audit is over", func() bool { return strings.Contains(p.stdout.String(), "Still running") })
	s := server{program: p}
	for _, what := range []string{"how it stands", "metrics", "the contacts"} {
		_, rest, _ := strings.Cut(p.stdout.String(), what)
		s.url = strings.Fields(rest)[0]
		if code, _ := s.get(""); code != http.StatusOK {
			t.Errorf("%s: %s answers %d", what, s.url, code)
		}
	}
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0:\n%s", code, p.stderr())
	}
}

// TestInterruptedDemo ends a demo before its audit.
func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	p := start(t, "main", nil, "demo", "--events=5000", "--logs")
	p.await(t, "partitions assigned")
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitInterrupted {
		t.Errorf("exit %d, want 130:\n%s", code, p.stderr())
	}
}

// check --live fails while the service that runs is held, and says by what.
func TestCheckAsksTheServiceThatRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{ExistingUserField: true}, "leads", "leads.dlt")
	s := startService(t, r.env(nil))
	s.answers(t, "/readyz", 200)
	code, stdout, stderr := inProcess(r.env(nil), "", "check", "--live", s.url)
	if code != exitOK || !strings.Contains(stdout, "delivering, 0 records behind") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if err := r.crm.SetFaults(crmtest.Faults{Down: "503"}); err != nil {
		t.Fatal(err)
	}
	r.produce(t, `{"phone":"+79161234567"}`, `{"phone":"+79161234568"}`, `{"phone":"+79161234569"}`)
	eventually(t, "the service shows the outage", func() bool {
		_, body := s.get("/statusz")
		return strings.Contains(body, `"outage"`)
	})
	code, stdout, _ = inProcess(r.env(nil), "", "check", "--live", s.url)
	if code != exitFailed || !strings.Contains(stdout, ": outage since") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	if code, stdout, _ = inProcess(r.env(nil), "", "check", "--live", "http://127.0.0.1:1"); code != exitFailed || !strings.Contains(stdout, "give the address of HTTP_ADDR") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	s.signal(t, syscall.SIGTERM)
	s.exit(t)
}
