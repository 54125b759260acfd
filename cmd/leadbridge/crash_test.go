package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// slowPortal takes its time, so that a process can be hit in the middle of its work.
func slowPortal() crmtest.Options {
	return crmtest.Options{ExistingUserField: true, Slots: 2, QueueLimit: 100 * time.Millisecond, ServiceTime: 20 * time.Millisecond}
}

const crowd = 60

// hurried are the settings of a process that is not slowed by the portal's limits
// and whose partitions are soon somebody else's when it is gone.
func hurried(r *rig) map[string]string {
	return r.env(map[string]string{"KAFKA_SESSION_TIMEOUT": "3s", "CRM_REQUESTS_PER_MINUTE": "0", "CRM_REQUESTS_PER_SECOND": "0"})
}

// deliverCrowd gives a service work and waits until it is in the middle of it.
func deliverCrowd(t *testing.T, r *rig) server {
	t.Helper()
	values := make([]string, crowd)
	for i := range values {
		values[i] = fmt.Sprintf(`{"firstName":"Nobody","email":"nobody.%d@example.com"}`, i)
	}
	r.produce(t, values...)
	s := startService(t, hurried(r))
	eventually(t, "a third is done", func() bool { return r.crm.Count() > crowd/3 })
	return s
}

// takeOver starts another process that finishes the work.
func takeOver(t *testing.T, r *rig) server {
	t.Helper()
	s := startService(t, hurried(r))
	eventually(t, "everything is done", func() bool { return r.committed() == crowd })
	return s
}

// exactlyOnce looks at what the CRM holds.
func exactlyOnce(t *testing.T, r *rig) {
	t.Helper()
	if stats := r.crm.Stats(); stats.Contacts != crowd || stats.Duplicates != 0 {
		t.Errorf("%d contacts, %d of them duplicates; want %d and none", stats.Contacts, stats.Duplicates, crowd)
	}
}

// TestKillNine kills a process in the middle of its work; another one finishes it.
func TestKillNine(t *testing.T) {
	t.Parallel()
	r := newRig(t, slowPortal(), "leads", "leads.dlt")
	first := deliverCrowd(t, r)
	first.signal(t, syscall.SIGKILL)
	first.exit(t)
	second := takeOver(t, r)
	exactlyOnce(t, r)
	second.signal(t, syscall.SIGTERM)
	if code := second.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}

// TestFrozenProcessThaws freezes a process in the middle of its work, until
// another one has taken over and finished: the thawed one must send nothing.
func TestFrozenProcessThaws(t *testing.T) {
	t.Parallel()
	r := newRig(t, slowPortal(), "leads", "leads.dlt")
	first := deliverCrowd(t, r)
	first.signal(t, syscall.SIGSTOP)
	second := takeOver(t, r)
	first.signal(t, syscall.SIGCONT)
	eventually(t, "the thawed process is a member again", func() bool {
		return first.status(t).Ready && len(first.status(t).Partitions)+len(second.status(t).Partitions) == 2 && len(first.status(t).Partitions) == 1
	})
	exactlyOnce(t, r)
	for _, s := range []server{first, second} {
		s.signal(t, syscall.SIGTERM)
		if code := s.exit(t); code != exitOK {
			t.Errorf("exit %d, want 0:\n%s", code, s.stderr())
		}
	}
}

// TestDrain stops a process in the middle of its work; another one finishes it.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, slowPortal(), "leads", "leads.dlt")
	first := deliverCrowd(t, r)
	first.signal(t, syscall.SIGTERM)
	if code := first.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
	second := takeOver(t, r)
	exactlyOnce(t, r)
	second.signal(t, syscall.SIGTERM)
	if code := second.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}
