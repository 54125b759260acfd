package main

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// probed is a portal, and the environment to measure it.
func probed(t *testing.T, faults crmtest.Faults) (*rig, map[string]string) {
	t.Helper()
	r := newRig(t, crmtest.Options{ExistingUserField: true, Portal: "company.bitrix24.ru"})
	if err := r.crm.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	return r, map[string]string{"CRM_BASE_URL": r.crmURL, "CRM_API_KEY_FILE": r.keyFile}
}

// startProbe starts a measurement and waits until it has made records.
func startProbe(t *testing.T, r *rig, env map[string]string) *program {
	t.Helper()
	p := start(t, "main", env, "probe", "--rate", "10")
	eventually(t, "records are there", func() bool { return r.crm.Count() >= 3 })
	return p
}

// nothingLeft looks at what the portal holds.
func nothingLeft(t *testing.T, r *rig) {
	t.Helper()
	for _, entity := range []string{crmtest.Contacts, crmtest.Leads, crmtest.Deals, crmtest.Timelines} {
		if n := r.crm.CountIn(entity); n != 0 {
			t.Errorf("%d %s are left", n, entity)
		}
	}
}

func TestInterruptedProbeLeavesNothing(t *testing.T) {
	t.Parallel()
	r, env := probed(t, crmtest.Faults{})
	p := startProbe(t, r, env)
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitInterrupted {
		t.Errorf("exit %d, want %d:\n%s", code, exitInterrupted, p.stderr())
	}
	nothingLeft(t, r)
}

// keepContacts lets the portal delete no contacts.
func keepContacts(r *rig) {
	r.crm.Script(func(c crmtest.Call) crmtest.Action {
		if strings.HasPrefix(c.Method+" "+c.Path, "DELETE /v1/contacts/") {
			return crmtest.Action{Status: http.StatusForbidden, Code: "ACCESS_DENIED"}
		}
		if !c.Is("POST /v1/batch") || !strings.Contains(string(c.Body), `"delete"`) || !strings.Contains(string(c.Body), `"contacts"`) {
			return crmtest.Action{}
		}
		refused := map[string]crmtest.ItemError{}
		for i := range 50 {
			refused[fmt.Sprint("c", i)] = crmtest.ItemError{Code: "ACCESS_DENIED", Skip: true}
		}
		return crmtest.Action{Items: refused}
	})
}

// TestProbeTellsWhatIsLeft shows that records that cannot be deleted are named and make the exit code 1, after a signal and
// by --clean too.
func TestProbeTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	r, env := probed(t, crmtest.Faults{})
	keepContacts(r)
	p := startProbe(t, r, env)
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitFailed || !strings.Contains(p.stderr(), "could not be deleted: contacts 1.") {
		t.Errorf("exit %d, want %d:\n%s", code, exitFailed, p.stderr())
	}
	for _, output := range []string{"text", "json"} {
		code, stdout, stderr := inProcess(env, "", "probe", "--clean", "--rate", "10", "--output", output)
		if code != exitFailed || !strings.Contains(stdout, "contacts") {
			t.Errorf("%s: exit %d, want %d\n%s%s", output, code, exitFailed, stdout, stderr)
		}
	}
}

// TestInterruptedCleanTellsWhatIsLeft shows that a signal does not hide that records could not be deleted.
func TestInterruptedCleanTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	r, env := probed(t, crmtest.Faults{})
	keepContacts(r)
	for _, output := range []string{"text", "json"} {
		before := r.crm.CountIn(crmtest.Contacts)
		p := start(t, "main", env, "probe", "--clean", "--rate", "10", "--output", output)
		eventually(t, "it has made a record", func() bool { return r.crm.CountIn(crmtest.Contacts) > before })
		p.signal(t, syscall.SIGINT)
		if code := p.exit(t); code != exitFailed || !strings.Contains(p.stdout.String(), "contacts") {
			t.Errorf("%s: exit %d, want %d:\n%s%s", output, code, exitFailed, p.stdout.String(), p.stderr())
		}
	}
}

func TestCleanAfterAKilledProbe(t *testing.T) {
	t.Parallel()
	r, env := probed(t, crmtest.Faults{})
	p := startProbe(t, r, env)
	p.signal(t, syscall.SIGKILL)
	p.exit(t)
	if r.crm.Count() == 0 {
		t.Error("the killed probe has left nothing: the test shows nothing")
	}
	code, stdout, stderr := inProcess(env, "", "probe", "--clean", "--rate", "10")
	if code != exitOK || !strings.HasPrefix(stdout, "Deleted ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	nothingLeft(t, r)
}

// TestProbePrintsAProfile measures a portal that takes no contacts, which is soon done.
func TestProbePrintsAProfile(t *testing.T) {
	t.Parallel()
	_, env := probed(t, crmtest.Faults{Mandatory: []string{"honorific", "leads.companyTitle", "deals.probability"}})
	code, stdout, stderr := inProcess(env, "", "probe", "--rate", "10", "--output", "json")
	profile, err := probe.Parse([]byte(stdout))
	if code != exitOK || err != nil || !profile.Complete || profile.Entities["contacts"].Create.Code != "VALIDATION_ERROR" {
		t.Errorf("exit %d, %v\n%s%s", code, err, stdout, stderr)
	}
	for _, secret := range []string{"vibe_api_good", "company.bitrix24.ru"} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	var table strings.Builder
	if err := profile.Write(&table); err != nil || !strings.Contains(table.String(), "400 VALIDATION_ERROR") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestProbeRefusesABadRate(t *testing.T) {
	t.Parallel()
	_, env := probed(t, crmtest.Faults{})
	for _, rate := range []string{"0", "11", "fast"} {
		if code, _, stderr := inProcess(env, "", "probe", "--rate", rate); code != exitUsage || !strings.Contains(stderr, "--rate") {
			t.Errorf("--rate %s: exit %d, %s", rate, code, stderr)
		}
	}
}
