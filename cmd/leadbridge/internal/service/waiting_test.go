package service

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const createCall = "POST /v1/contacts"

// fail answers each create whose body has a text in a way.
func fail(text string, action crmtest.Action) func(crmtest.Call) crmtest.Action {
	return func(c crmtest.Call) crmtest.Action {
		if c.Is(createCall) && strings.Contains(string(c.Body), text) {
			return action
		}
		return crmtest.Action{}
	}
}

// every answers each call in a way.
func every(action crmtest.Action) func(crmtest.Call) crmtest.Action {
	return func(crmtest.Call) crmtest.Action { return action }
}

// trouble is something that makes events wait.
type trouble struct {
	topics []string // of the broker; nil: the usual ones, empty: there is no broker
	begin  func(r *rig) *running
	why    string // is among what is named
	events int64  // -1: not known
	ready  int
	calm   bool // nothing is named
}

func troubles() map[string]trouble {
	usual := func(script func(crmtest.Call) crmtest.Action, n int, more ...string) func(r *rig) *running {
		return func(r *rig) *running {
			s := r.start()
			later(2)
			if script != nil {
				r.sim.Script(script)
			}
			r.produce(append(leads(0, n), more...)...)
			return s
		}
	}
	return map[string]trouble{
		"all is well": {begin: usual(nil, 5), calm: true, ready: 200},
		"no brokers":  {topics: []string{}, begin: func(r *rig) *running { return r.start() }, why: "brokers", events: -1, ready: 503},
		"no topic":    {topics: []string{testLetters}, begin: func(r *rig) *running { return r.start() }, why: "topic", events: -1, ready: 503},
		"brokers gone": {begin: func(r *rig) *running {
			s := r.start()
			later(2)
			for _, key := range []kmsg.Key{kmsg.Heartbeat, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.JoinGroup, kmsg.FindCoordinator, kmsg.OffsetCommit, kmsg.OffsetFetch} {
				r.refuse(key, nil)
			}
			later(20)
			return s
		}, why: "brokers", events: -1, ready: 503},
		"group assigns nothing": {begin: func(r *rig) *running {
			r.stall(kmsg.JoinGroup)
			return r.start()
		}, why: "no_partition", events: -1, ready: 503},
		"group has no coordinator": {begin: func(r *rig) *running {
			r.refuse(kmsg.JoinGroup, nil)
			s := r.start()
			later(10) // the first try that fails once the process has waited for long says so
			return s
		}, why: "group", events: -1, ready: 503},
		"group rebalances": {begin: func(r *rig) *running {
			s := r.start()
			later(2)
			r.stall(kmsg.JoinGroup)
			r.cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
				r.cluster.KeepControl()
				answer := req.ResponseKind().(*kmsg.HeartbeatResponse)
				answer.ErrorCode = 27 // REBALANCE_IN_PROGRESS
				return answer, nil, true
			})
			r.produce(leads(0, 3)...)
			later(10)
			return s
		}, why: "rebalance", events: -1, ready: 503},
		"paused by hand": {begin: func(r *rig) *running {
			s := r.start()
			later(2)
			s.consumer.SetPaused(consumer.PausedBySetting, true, "")
			r.produce(leads(0, 4)...)
			return s
		}, why: "operator", events: 4, ready: 200},
		"bad key":             {begin: usual(every(crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}), 4), why: "credentials", events: 4, ready: 503},
		"throttle":            {begin: usual(every(crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 300}), 4), why: "throttle", events: 4, ready: 200},
		"outage":              {begin: usual(every(crmtest.Action{Status: 503, Code: "UNAVAILABLE", RetryAfter: 200}), 5), why: "outage", ready: 200},
		"one event fails":     {begin: usual(fail("lead1@", crmtest.Action{Status: 403, Code: "BITRIX_ACCESS_DENIED"}), 3), why: "backoff", events: 1, ready: 200},
		"an answer is lost":   {begin: usual(fail("lead1@", crmtest.Action{End: crmtest.Reset}), 3), why: "doubt", events: 1, ready: 200},
		"behind one in doubt": {begin: usual(fail("lead1@", crmtest.Action{End: crmtest.Reset}), 3, `{"name":"Again","email":"lead1@example.com"}`), why: "order", events: 1, ready: 200},
		"flood":               {begin: usual(fail("@", crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}), 6), why: "flood", ready: 200},
		"letters cannot be written": {begin: func(r *rig) *running {
			r.refuse(kmsg.Produce, writesTo(testLetters))
			return usual(nil, 1, `{"name":"Nobody"}`)(r)
		}, why: "letter", events: 1, ready: 200},
		"results cannot be written": {begin: func(r *rig) *running {
			r.refuse(kmsg.Produce, writesTo(testResults))
			s := r.start(func(c *Config) { c.Consumer.ResultTopic = testResults })
			r.produce(leads(0, 2)...)
			return s
		}, why: "result", events: 2, ready: 200},
		"many leads, a small budget": {begin: func(r *rig) *running {
			s := r.start(func(c *Config) { c.CRM.RequestsPerMinute = 7 })
			later(2)
			r.produce(leads(0, 40)...)
			return s
		}, why: "turn", ready: 200},
		"after a crash": {begin: func(r *rig) *running {
			r.sim.Script(fail("@", crmtest.Action{Delay: 1e12}))
			s := r.start()
			r.produce(leads(0, 3)...)
			later(5)
			s.stop()
			r.sim.Script(nil)
			return r.start()
		}, why: "suspect", ready: 200},
	}
}

// TestAllViewsAgree asks, in each kind of trouble, the page, /statusz, /readyz, /healthz, the log and the metric: all name
// the same causes with the same numbers.
func TestAllViewsAgree(t *testing.T) {
	t.Parallel()
	for name, c := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topics := c.topics
			switch {
			case topics == nil:
				topics = []string{testTopic, testLetters, testResults}
			case len(topics) == 0:
				topics = nil
			}
			bubble(t, topics, func(r *rig) {
				t := r.t
				s := c.begin(r)
				defer s.stop()
				later(8)
				_, want, status := ask(r.t, s.monitor.Handler(), "/statusz")
				if events, named := want[c.why]; !c.calm && (!named || c.events != 0 && events != c.events) || c.calm && len(want) > 0 {
					t.Errorf("/statusz names %v, want %q with %d\n%v", want, c.why, c.events, status)
				}
				code, ready, probe := ask(r.t, s.monitor.Handler(), "/readyz")
				if code != c.ready || probe["ok"] != (c.ready == http.StatusOK) || status["ready"] != probe["ok"] {
					t.Errorf("/readyz answers %d, want %d: %v", code, c.ready, probe)
				}
				_, health, _ := ask(r.t, s.monitor.Handler(), "/healthz")
				_, page, state := ask(r.t, s.admin.Handler(), "/api/state")
				if state["ready"] != probe["ok"] {
					t.Errorf("the page says ready %v, /readyz %v", state["ready"], probe["ok"])
				}
				if slices.Contains([]string{"brokers", "topic"}, c.why) && (state["lag"] != nil || status["lag"] != nil) {
					t.Errorf("the page says lag %v, /statusz %v: nobody knows it", state["lag"], status["lag"])
				}
				line, fields := logged(r.t, r.logs, "summary")
				if fields["lag"] != status["lag"] {
					t.Errorf("the log says lag %v, /statusz %v", fields["lag"], status["lag"])
				}
				for view, got := range map[string]told{"/readyz": ready, "/healthz": health, "the page": page, "the log": line, "the metric": metric(r.t, s.registry)} {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-/statusz +it):\n%s", view, diff)
					}
				}
			})
		})
	}
}

// TestAStopTellsWhatIsLeft ends a service that cannot deliver: its last line counts what it leaves.
func TestAStopTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters}, func(r *rig) {
		r.sim.Script(every(crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}))
		s := r.start()
		r.produce(leads(0, 4)...)
		later(10)
		s.stop()
		s.LogTotals("stopped")
		waits, fields := logged(r.t, r.logs, "stopped")
		if fields["lag"] != 4.0 || waits["stopped"] != 4 {
			t.Errorf("stopped with lag %v and %v waiting, want 4 of each", fields["lag"], waits)
		}
	})
}
