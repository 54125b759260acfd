//go:build k8s

package k8s

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func scenarios() []scenario {
	return []scenario{
		{"Check", check},
		{"MemoryLimit", memoryLimit},
		{"Page", page},
		{"RollingUpdate", rollingUpdate},
		{"PodKilled", podKilled},
		{"Eviction", eviction},
		{"KeyRotated", keyRotated},
		{"CRMDown", crmDown},
		{"ScaledToOneAndBack", scaled},
		{"AnotherMappingAndBack", anotherMapping},
		{"GateRollingUpdate", gateRollingUpdate},
	}
}

// check is what helm test runs: leadbridge check, with the settings of the release.
func check(w *show) {
	_, err := w.helm.try("", "test", "leadbridge", "-n", ours, "--timeout", "3m")
	must(w.t, err)
}

// memoryLimit: the garbage collector keeps to nine tenths of what the pod may take.
func memoryLimit(w *show) {
	for _, of := range []struct {
		component, deployment string
		port                  int
	}{{"consumer", consumers, 8080}, {"gate", gates, 9090}} {
		var mebibytes int
		_, err := fmt.Sscanf(w.get(of.deployment, ours, "{.spec.template.spec.containers[0].resources.limits.memory}"), "%dMi", &mebibytes)
		must(w.t, err)
		metrics, err := w.proxied(w.pods(of.component)[0].name, of.port, "metrics")
		must(w.t, err)
		want := fmt.Sprintf("\ngo_gc_gomemlimit_bytes %g\n", float64(mebibytes<<20*9/10))
		if !strings.Contains(metrics, want) {
			w.t.Errorf("%s: /metrics lacks %q", of.component, want)
		}
	}
}

// page is there for people, and for nobody without the token.
func page(w *show) {
	one := w.pods("consumer")[0].name
	index, err := w.proxied(one, 8081, "")
	if err != nil || !strings.Contains(index, "<title>leadbridge</title>") {
		w.t.Errorf("the page: %v\n%s", err, index)
	}
	if state, err := w.proxied(one, 8081, "api/state"); err == nil {
		w.t.Errorf("without a token: %s", state)
	}
}

func names(pods []pod) []string {
	var all []string
	for _, p := range pods {
		all = append(all, p.name)
	}
	return all
}

// rollingUpdate replaces three consumers, one after the other.
func rollingUpdate(w *show) {
	before := names(w.pods("consumer"))
	w.run("-n", ours, "rollout", "restart", consumers)
	w.rolledOut(consumers)
	w.shared(replicas)
	for _, p := range w.pods("consumer") {
		if slices.Contains(before, p.name) {
			w.t.Errorf("%s is still there", p.name)
		}
	}
}

// podKilled ends a consumer without a word.
func podKilled(w *show) {
	victim := w.pods("consumer")[0].name
	w.run("-n", ours, "delete", "pod", victim, "--grace-period=0", "--force")
	w.complete("consumer", replicas)
	w.shared(replicas)
}

// complete waits until a component has so many pods, all ready.
func (s *stage) complete(component string, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d of %s are ready", n, component), func() bool {
		pods := s.pods(component)
		return len(pods) == n && !slices.ContainsFunc(pods, func(p pod) bool { return !p.ready })
	})
}

// evict asks for an eviction as the drain of a node does.
func (s *stage) evict(name string) error {
	_, err := s.kubectl.try(
		fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":%q,"namespace":%q}}`, name, ours),
		"create", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/eviction", ours, name), "-f", "-")
	return err
}

// eviction drains all consumers: the budget lets one go at a time.
func eviction(w *show) {
	pods := names(w.pods("consumer"))
	must(w.t, w.evict(pods[0]))
	if err := w.evict(pods[1]); err == nil || !strings.Contains(err.Error(), "disruption budget") {
		w.t.Errorf("a second eviction at once: %v, want a refusal for the budget's sake", err)
	}
	for _, name := range pods[1:] {
		eventually(w.t, name+" may be evicted", func() bool { return w.evict(name) == nil })
	}
	w.complete("consumer", replicas)
	w.shared(replicas)
}

// keyRotated revokes the key. Consumers hold, and go on with the new one that the
// Secret brings, in the same pods.
func keyRotated(w *show) {
	before := w.pods("consumer")
	must(w.t, w.crm.trouble("", []string{firstKey}))
	eventually(w.t, "consumers are not ready", func() bool {
		return !slices.ContainsFunc(w.pods("consumer"), func(p pod) bool { return p.ready })
	})
	w.holdFor("credentials")
	w.secret("crm-key", "api-key", secondKey)
	w.complete("consumer", replicas)
	w.caughtUp()
	if after := w.pods("consumer"); !reflect.DeepEqual(before, after) {
		w.t.Errorf("before %+v, after %+v: want the same pods, none of them restarted", before, after)
	}
}

// holdFor waits until a consumer holds for a cause.
func (s *stage) holdFor(cause string) {
	s.t.Helper()
	eventually(s.t, "a consumer holds for "+cause, func() bool {
		return slices.ContainsFunc(s.pods("consumer"), func(p pod) bool {
			for _, hold := range s.status(p.name).Holds {
				if hold.Cause == cause {
					return true
				}
			}
			return false
		})
	})
}

// crmDown has the portal away, twice. Consumers stay ready: it is not they who fail.
func crmDown(w *show) {
	before := w.pods("consumer")
	for _, how := range []string{"503", "close"} {
		must(w.t, w.crm.trouble(how, []string{firstKey}))
		w.holdFor("outage")
		if during := w.pods("consumer"); !reflect.DeepEqual(before, during) {
			w.t.Errorf("%s: before %+v, during %+v", how, before, during)
		}
		must(w.t, w.crm.trouble("", []string{firstKey}))
		w.caughtUp()
	}
}

// scaled leaves one consumer, and has three again.
func scaled(w *show) {
	w.run("-n", ours, "scale", consumers, "--replicas=1")
	w.complete("consumer", 1)
	w.shared(1)
	w.caughtUp()
	w.run("-n", ours, "scale", consumers, fmt.Sprintf("--replicas=%d", replicas))
	w.complete("consumer", replicas)
	w.shared(replicas)
}

// mark is what the other mapping writes into every contact.
const mark = "by another mapping"

// anotherMapping changes the jq program by helm upgrade, and goes back by helm rollback.
func anotherMapping(w *show) {
	w.release("upgrade", "--set-string", `mapping.program=if type == "object" then .comment = "`+mark+`" else . end`)
	w.shared(replicas)
	w.newContacts(true)
	_, err := w.helm.try("", "rollback", "leadbridge", "-n", ours, "--wait", "--timeout", "4m")
	must(w.t, err)
	w.shared(replicas)
	w.newContacts(false)
}

// enough contacts show which mapping is at work.
const enough = 20

// newContacts waits for contacts of events that came from now on, and looks for the mark.
func (w *show) newContacts(marked bool) {
	w.t.Helper()
	w.caughtUp() // what is older is there, by whichever mapping
	before, err := w.crm.contacts()
	must(w.t, err)
	last := before[len(before)-1].ID
	var found []crmtest.Contact
	eventually(w.t, "new contacts", func() bool {
		all, err := w.crm.contacts()
		must(w.t, err)
		found = slices.DeleteFunc(all, func(c crmtest.Contact) bool { return c.ID <= last })
		return len(found) >= enough
	})
	for _, c := range found {
		if has := strings.Contains(c.Text("comments"), mark); has != marked {
			w.t.Errorf("contact %d, made %s: the mark is there: %v, want %v", c.ID, c.Created.UTC().Format(time.TimeOnly), has, marked)
		}
	}
}

// gateRollingUpdate replaces the gates while webhooks come in. The audit looks at their answers.
func gateRollingUpdate(w *show) {
	before, taken := names(w.pods("gate")), w.hooks()
	w.run("-n", ours, "rollout", "restart", gates)
	w.rolledOut(gates)
	for _, p := range w.pods("gate") {
		if slices.Contains(before, p.name) {
			w.t.Errorf("%s is still there", p.name)
		}
	}
	if w.hooks() == taken {
		w.t.Error("no webhook came during the rollout")
	}
}
