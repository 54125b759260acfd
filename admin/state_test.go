package admin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// TestStates tells a pause that the CRM asks for apart from what needs somebody.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state  string
		causes []crmclient.Cause
		want   string
	}{
		"delivering":          {"delivering", nil, "delivering"},
		"preparing":           {"starting", []crmclient.Cause{crmclient.HoldPreparing}, "starting"},
		"throttled":           {"held", []crmclient.Cause{crmclient.HoldThrottle}, "throttled"},
		"throttled, asking":   {"held", []crmclient.Cause{crmclient.HoldPreparing, crmclient.HoldThrottle}, "throttled"},
		"outage":              {"held", []crmclient.Cause{crmclient.HoldOutage}, "held"},
		"throttled and worse": {"held", []crmclient.Cause{crmclient.HoldThrottle, consumer.HoldDeadLetters}, "held"},
		"draining, throttled": {"draining", []crmclient.Cause{crmclient.HoldThrottle}, "draining"},
	} {
		is := Situation{State: c.state}
		for _, cause := range c.causes {
			is.Holds = append(is.Holds, crmclient.Hold{Cause: cause})
		}
		if got := stateOf(is); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for cause, title := range holdTitles {
		if title == "" || cause == "" {
			t.Errorf("%q has the title %q", cause, title)
		}
	}
}

// TestState shows one state whole: holds, partitions of others from Kafka, and the budget.
func TestState(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		end := r.run()
		defer end()
		for range 4 {
			r.produce(testTopic, 1, kafka.Record{Value: kafka.NewBytes([]byte("{}")), Time: time.Now().Add(-time.Minute)})
		}
		since := time.Now()
		r.stands(func(s *Situation) {
			s.State, s.Ready = "held", true
			s.Holds = []crmclient.Hold{{Cause: crmclient.HoldOutage, Since: since, Until: since.Add(time.Minute), Status: 503, Advice: phrase.Verbatim("wait")}}
			s.Partitions = []consumer.PartitionStatus{{Partition: 0, Committed: 7, LogEnd: 9, Lag: 2, LagSeconds: 3, Unfinished: 1, Suspects: 1}}
			s.CRM.InFlight, s.CRM.Waiting, s.Generation, s.Member = 2, 3, 5, "me"
		})
		r.uses.WithLabelValues("create").Add(100)
		time.Sleep(2 * time.Minute)
		r.uses.WithLabelValues("create").Add(8)
		r.uses.WithLabelValues("lookup").Add(1.5)
		r.uses.WithLabelValues("replay").Add(.5)
		got := read[state](r, "GET", "/api/state", "")
		if len(got.Holds) != 1 || got.Holds[0].Title == "" || got.Holds[0].Advice.String() != "wait" || !got.Holds[0].Until.Equal(since.Add(time.Minute)) {
			t.Errorf("holds %+v", got.Holds)
		}
		want := []partition{
			{Partition: 0, Owner: ownerThis, Committed: 7, LogEnd: 9, Lag: 2, LagSeconds: 3, Unfinished: 1, Suspects: 1},
			{Partition: 1, Owner: ownerOther, LogEnd: 4, Lag: 4, LagSeconds: got.Partitions[1].LagSeconds},
		}
		if diff := cmp.Diff(want, got.Partitions); diff != "" {
			t.Errorf("partitions (-want +got):\n%s", diff)
		}
		if age := got.Partitions[1].LagSeconds; age < 179 || age > 181 {
			t.Errorf("the oldest record of the other replica is %v seconds old, want 180", age)
		}
		if *got.Lag != 6 || *got.LagSeconds != got.Partitions[1].LagSeconds {
			t.Errorf("lag %d, %v s", *got.Lag, *got.LagSeconds)
		}
		uses := []use{{"create", 8, 108}, {"lookup", 1.5, 1.5}, {"replay", .5, .5}, {"setup", 0, 0}}
		if diff := cmp.Diff(uses, got.Budget.Uses); diff != "" || got.Budget.WindowSeconds < 59 || got.Budget.WindowSeconds > 66 {
			t.Errorf("budget of %v s (-want +got):\n%s", got.Budget.WindowSeconds, diff)
		}
		if got.State != "held" || got.Member != "me" || got.Generation != 5 || got.Group != testGroup || got.Topics != (topics{testTopic, testLetters}) ||
			got.CRM != (portal{"acme.example", "", 2, 3}) || got.Version != "v1" {
			t.Errorf("state %+v", got)
		}
	})
}

// Before the first sample is taken, there is no window in which requests were sent.
func TestBudgetBeforeTheFirstSample(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.uses.WithLabelValues("create").Add(3)
		got := read[state](r, "GET", "/api/state", "")
		if b := got.Budget; b.WindowSeconds != 0 || b.Uses[0] != (use{"create", 0, 3}) || got.Rate.PerSecond != 0 {
			t.Errorf("budget %+v, rate %+v", b, got.Rate)
		}
	})
}

// TestStateOfACommit takes what another replica committed off its lag.
func TestStateOfACommit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		for range 4 {
			r.produce(testTopic, 1, kafka.Record{Value: kafka.NewBytes([]byte("{}")), Time: time.Now()})
		}
		res, err := r.client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
			GroupID: testGroup, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{testTopic: {{Partition: 1, Offset: 3}}},
		})
		if err != nil || res.Topics[testTopic][0].Error != nil {
			t.Fatal(err, res)
		}
		got := read[state](r, "GET", "/api/state", "")
		if len(got.Partitions) != 2 || got.Partitions[1].Committed != 3 || got.Partitions[1].Lag != 1 {
			t.Errorf("partitions %+v, want the second committed up to 3", got.Partitions)
		}
	})
}

// In a flood the page shows what the CRM says, not where somebody could read it.
func TestFloodShowsTheWordsOfTheCRM(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		newest := letterNo(1)
		newest.message = "the field Branch is mandatory"
		r.seed(letterNo(0), newest, aLetter{id: "other", reason: "RETRIES_EXHAUSTED", message: "no"})
		r.stands(func(s *Situation) {
			s.Holds = []crmclient.Hold{
				{Cause: crmclient.HoldFlood, Held: true, Since: time.Now(), Code: newest.code},
				{Cause: crmclient.HoldOutage, Held: true, Since: time.Now()},
			}
		})
		got := read[state](r, "GET", "/api/state", "").Holds
		if len(got) != 2 || got[0].Words != newest.message || got[1].Words != "" {
			t.Errorf("%+v", got)
		}
	})
}
