package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
)

// primed starts and stops a consumer on an empty topic, so that the group has a clean commit, and a later start explores
// nothing.
func (r *rig) primed() {
	r.t.Helper()
	p := r.start()
	r.await("the first assignment", func() bool { return p.Status().Ready })
	p.shutdown(r.t)
}

// applyThenHang makes the contacts of these ids, and never answers.
func applyThenHang(crm *fakeCRM, ids ...string) func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
	return func(ctx context.Context, r crmclient.Request) (crmclient.Result, error, bool) {
		for _, id := range ids {
			if r.OriginID == id {
				if _, err := crm.apply(r); err != nil {
					return crmclient.Result{}, err, true
				}
				return hang(ctx)
			}
		}
		return crmclient.Result{}, nil, false
	}
}

// A restart in which every request got its answer costs no look-up.
func TestCleanRestartCostsNoLookUp(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		for round := range 3 {
			p := r.start()
			r.produce(events(fmt.Sprintf("r%d-", round), 40)...)
			r.awaitCreated(fmt.Sprintf("r%d-39", round))
			p.shutdown(t)
		}
		r.crm.once(t)
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d look-ups, want none", n)
		}
	})
}

// After a crash the records in flight are looked up, but not those that come later, and no contact is made twice.
func TestCrashLooksUpWhatWasInFlight(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		crashed := r.start(link.use)
		r.crm.setAnswer(applyThenHang(r.crm, "a3", "a7"))
		r.produce(events("a", 10)...)
		r.awaitCreated("a0", "a3", "a7", "a9")
		time.Sleep(time.Second) // a commit
		crash := time.Now()
		link.sever()
		r.crm.setAnswer(nil)

		next := r.start()
		r.await("the take-over", func() bool { return next.Status().Ready })
		r.produce(events("later", 5)...)
		r.awaitCreated("later4")
		r.await("all committed", func() bool { return r.commits()[0].offset == 15 })
		r.crm.once(t)
		for _, id := range []string{"a3", "a7"} {
			asked := r.crm.asked(id)
			if n := len(asked); n != 2 || !asked[1].Suspect {
				t.Fatalf("%s: %d requests, the second a suspect: %v", id, n, n == 2 && asked[1].Suspect)
			}
			before := asked[1].SentBefore()
			if before.Before(crash.Add(-time.Second)) || before.After(crash.Add(30*time.Second)) {
				t.Errorf("%s: sent before %v, crash at %v", id, before, crash)
			}
		}
		if n := r.crm.suspects(); n != 2 {
			t.Errorf("%d suspects, want 2", n)
		}
		next.shutdown(t)
		crashed.shutdown(t)
	})
}

// B takes over a partition that was left clean, sends a create, and dies before any commit but its opening one. C must
// look the event up.
func TestCrashAfterTheOpeningCommitIsLookedUp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		b := r.start(link.use)
		r.await("B's assignment", func() bool { return b.Status().Ready })
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			_, _ = r.crm.apply(q)
			link.sever() // before anything can be committed
			return hang(ctx)
		})
		r.produce(event("x"))
		r.awaitCreated("x")
		r.crm.setAnswer(nil)
		c := r.start()
		r.await("C's commit", func() bool { return r.commits()[0].offset == 1 })
		r.crm.once(t)
		c.shutdown(t)
		b.shutdown(t)
	})
}

// When another tool, or kafka-go's own CommitOffsets, has replaced the metadata of the commit, all records up to the
// log's end are suspects.
func TestForeignMetadataMakesSuspectsUpToTheLogsEnd(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("a", 6)...)
		r.commitAs(2, "somebody else's note")
		p := r.start()
		r.await("the take-over", func() bool { return p.Status().Ready })
		r.produce(event("new"))
		r.awaitCreated("a2", "a5", "new")
		for id, want := range map[string]bool{"a2": true, "a5": true, "new": false} {
			if got := r.crm.asked(id)[0].Suspect; got != want {
				t.Errorf("%s: suspect %v, want %v", id, got, want)
			}
		}
		if n := len(r.crm.asked("a0")); n != 0 {
			t.Error("a committed record was delivered again")
		}
		p.shutdown(t)
	})
}

// commitAs writes a commit for the group, which has no members.
func (r *rig) commitAs(offset int64, metadata string) {
	r.t.Helper()
	res, err := r.client.OffsetCommit(r.t.Context(), &kafka.OffsetCommitRequest{
		GroupID: testGroup, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{testTopic: {{Offset: offset, Metadata: metadata}}},
	})
	if err != nil || res.Topics[testTopic][0].Error != nil {
		r.t.Fatalf("committing: %v %v", err, res)
	}
}

// Without a commit of the group, events are looked up until a whole window of them in a row is absent.
func TestNewGroupLooksUpUntilAWindowIsAbsent(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("a", 1000)...)
		for i := range 30 { // an earlier group had created these
			r.crm.contacts[fmt.Sprintf("a%d", i)] = 1
		}
		p := r.start(func(c *Config) { c.Window = 20 })
		r.awaitCreated("a999")
		r.crm.once(t)
		n := r.crm.suspects()
		if least := 30 + leastExploration; n < least || n == 1000 {
			t.Errorf("%d look-ups, want the 30 found ones, a window of absent ones (256) in a row after the last of them, and an end", n)
		}
		if until := r.crm.asked("a49")[0].SentBefore(); until.IsZero() {
			t.Error("an earlier owner was found, but its last requests are not waited for")
		}
		p.shutdown(t)
	})
}

// A new group on an empty topic looks nothing up.
func TestNewGroupOnAnEmptyTopicHasNoSuspects(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(events("a", 10)...)
		r.awaitCreated("a9")
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d suspects", n)
		}
		p.shutdown(t)
	})
}

// Several records of one event id become one contact, also when they are fetched together, or by the next owner.
func TestOneIDInTwoRecordsIsOneContact(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		twice := event("same")
		elsewhere := event("same")
		elsewhere.partition = 1
		r.produce(twice, twice, elsewhere)
		r.await("all committed", func() bool { c := r.commits(); return c[0].offset == 2 && c[1].offset == 1 })
		r.crm.once(t)
		p.shutdown(t)

		// The next owner reads the ids back from the log.
		q := r.start()
		r.await("the next owner", func() bool { return q.Status().Ready })
		r.produce(twice)
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		r.crm.once(t)
		q.shutdown(t)
	})
}

// When the commit lies beyond the log's end, the topic was replaced: it is read from its start, and all records are suspects.
func TestTopicReplacedWhileStoppedIsReadFromItsBeginning(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.commitAs(777, "")
		r.produce(events("a", 20)...)
		p := r.start()
		r.awaitCreated("a0", "a19")
		if n := r.crm.suspects(); n != 20 {
			t.Errorf("%d suspects, want 20", n)
		}
		r.await("all committed", func() bool { return r.commits()[0].offset == 20 })
		p.shutdown(t)
	})
}

// A topic that is deleted and created again under a running consumer is read from its start.
func TestTopicReplacedWhileRunningIsReadFromItsBeginning(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.produce(events("old", 30)...)
		r.awaitCreated("old29")
		r.await("all committed", func() bool { return r.commits()[0].offset == 30 })
		if err := r.cluster.DeleteTopic(testTopic); err != nil {
			t.Fatal(err)
		}
		r.await("the wait for the topic", func() bool { return hasHold(p.Status(), HoldTopic) })
		if err := r.cluster.CreateTopic(testTopic, 1, nil); err != nil {
			t.Fatal(err)
		}
		r.await("the topic", func() bool {
			_, err := partitionsOf(t.Context(), r.client, testTopic)
			return err == nil
		})
		r.produce(events("new", 20)...)
		r.awaitCreated("new0", "new19")
		r.crm.once(t)
		r.await("no hold", func() bool { return len(p.Status().Holds) == 0 })
		p.shutdown(t)
	})
}

func hasHold(s Status, cause crmclient.Cause) bool {
	for _, h := range s.Holds {
		if h.Cause == cause {
			return true
		}
	}
	return false
}

// A commit whose outcome is unknown ends the generation. The next one loses no event, and delivers none twice.
func TestCommitOfUnknownOutcomeEndsTheGeneration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		generation := p.Status().Generation
		fault := r.faultCommits(1)
		r.produce(events("a", 10)...)
		r.await("the faulty commit", func() bool { return fault.Hits() == 1 })
		r.await("another generation", func() bool { s := p.Status(); return s.Generation > generation })
		r.await("all committed", func() bool { return r.commits()[0].offset == 10 })
		r.crm.once(t)
		p.shutdown(t)
	})
}

// While the topic is missing, the process waits without joining the group, and does not create the topic.
func TestMissingTopicIsWaitedForOutsideTheGroup(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		p := r.start()
		r.await("the hold", func() bool { return hasHold(p.Status(), HoldTopic) })
		time.Sleep(time.Minute)
		if p.Status().Ready {
			t.Error("ready without a topic")
		}
		if info := r.cluster.GroupInfo(testGroup); info != nil {
			t.Error("joined the group of a missing topic")
		}
		if r.cluster.TopicInfo(testTopic) != nil {
			t.Error("the topic was created")
		}
		for _, topic := range []string{testTopic, testLetters} {
			if err := r.cluster.CreateTopic(topic, 2, nil); err != nil {
				t.Fatal(err)
			}
		}
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(event("a"))
		r.awaitCreated("a")
		p.shutdown(t)
	})
}

// Records that retention deleted before they were delivered are counted and logged, and delivery goes on after them.
func TestRecordsLostToRetentionAreCounted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(events("a", 20)...)
		if err := r.cluster.DeleteRecords(testTopic, 0, 15); err != nil {
			t.Fatal(err)
		}
		p := r.start()
		r.awaitCreated("a15", "a19")
		if got := counterValue(t, p.deps.metrics.lost); got != 15 {
			t.Errorf("%v records counted as lost, want 15", got)
		}
		if !strings.Contains(r.logs.String(), `"records_lost":15`) {
			t.Error("the loss is not in the log")
		}
		p.shutdown(t)
	})
}

// A process ends in bounded time when the network to the brokers is frozen.
func TestExitDoesNotWaitForBrokers(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		p := r.start(link.use)
		r.produce(event("a"))
		r.awaitCreated("a")
		link.freeze()
		defer link.thaw()
		began := time.Now()
		p.shutdown(t)
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("took %v, want DRAIN_TIMEOUT (20s) + 5s at most", took)
		}
	})
}

// A record whose processing panics becomes a dead letter.
func TestPanicBecomesADeadLetter(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		p := r.start()
		r.produce(event("a"), event("panic"), event("another panic"), event("b"))
		r.awaitCreated("a", "b")
		r.await("the letters", func() bool { return len(r.deadLetters()) == 2 })
		ids := map[string]bool{}
		for _, letter := range r.deadLetters() {
			if got := header.Text(letter.Headers, header.Reason); got != "PROCESSING_FAILED" {
				t.Errorf("reason %q", got)
			}
			ids[header.Text(letter.Headers, header.EventID)] = true
		}
		if len(ids) != 2 || ids[""] {
			t.Errorf("the letters of two events that cannot be decoded have the ids %v", ids)
		}
		if strings.Contains(r.logs.String(), "secret") {
			t.Error("the panic's text is in the log")
		}
		p.shutdown(t)
	})
}

// A record that ended the process in each of maxTrials trials becomes a dead letter; the records beside it are delivered.
func TestRecordThatKillsItsOwnersBecomesADeadLetter(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("a", 3)...)
		l := ledger{granted: 3, horizon: time.Now(), openings: crashLoopOpenings, trial: 1, trials: maxTrials,
			spans: []span{{0, 3, true}}}
		r.commitAs(0, l.encode(0))
		p := r.start()
		r.awaitCreated("a0", "a2")
		r.await("the letter", func() bool { return len(r.deadLetters()) == 1 })
		letter := r.deadLetters()[0]
		if got := header.Text(letter.Headers, header.Reason); got != "PROCESSING_FAILED" {
			t.Errorf("reason %q", got)
		}
		if got := header.Text(letter.Headers, header.Offset); got != "1" {
			t.Errorf("offset %q, want 1", got)
		}
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		p.shutdown(t)
	})
}

// A frozen process whose lease has lapsed writes nothing when it thaws. Its unfinished events are delivered by the next
// owner.
func TestZombieSendsNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		zombie := newFakeCRM()
		zombie.contacts = r.crm.contacts // the same portal
		thaw := make(chan struct{})
		var leaseAfterThaw error
		zombie.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			<-thaw // frozen right before it would write
			leaseAfterThaw = q.Lease()
			return crmclient.Result{Unsettled: true}, errors.Join(crmclient.ErrLeaseLost, leaseAfterThaw), true
		})
		z := r.startWith(zombie, link.use)
		r.produce(event("x"))
		r.await("the zombie's request", func() bool { return len(zombie.asked("x")) == 1 })
		link.freeze()

		heir := r.start()
		r.await("the heir's contact", func() bool { return r.commits()[0].offset == 1 })
		link.thaw()
		close(thaw)
		z.shutdown(t)
		synctest.Wait()
		if leaseAfterThaw == nil {
			t.Error("the thawed process still holds its lease")
		}
		if got := r.commits()[0].offset; got != 1 {
			t.Errorf("committed %d", got)
		}
		r.crm.once(t)
		heir.shutdown(t)
	})
}

// A new leader may return an end of the log that is too low for a moment. The topic does not count as replaced then.
func TestNewLeaderIsNotAReplacedTopic(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		first := r.start()
		r.produce(events("a", 20)...)
		r.await("all committed", func() bool { return r.commits()[0].offset == 20 })
		first.shutdown(t)
		var lows atomic.Int32
		r.cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
			asked := req.(*kmsg.ListOffsetsRequest)
			if lows.Load() == 2 || asked.Topics[0].Partitions[0].Timestamp != -1 {
				r.cluster.KeepControl()
				return nil, nil, false
			}
			lows.Add(1)
			r.cluster.KeepControl()
			res := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
			topic := kmsg.NewListOffsetsResponseTopic()
			topic.Topic = testTopic
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Offset = 12
			topic.Partitions = append(topic.Partitions, partition)
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		})
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(event("b"))
		r.awaitCreated("b")
		if n := lows.Load(); n != 2 {
			t.Errorf("%d low readings were given", n)
		}
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d suspects: the topic was taken for another", n)
		}
		p.shutdown(t)
	})
}

// An owner that sent nothing itself keeps the send horizon of the earlier owner, so that rebalances do not begin the
// suspects' wait again.
func TestRebalancesDoNotRestartTheWait(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		crashed := r.start(link.use)
		r.crm.setAnswer(applyThenHang(r.crm, "x"))
		r.produce(event("x"))
		r.awaitCreated("x")
		link.sever()
		waits := func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			<-q.Stop // still waiting for the time of the look-up
			return crmclient.Result{}, crmclient.ErrStopped, true
		}
		r.crm.setAnswer(waits)
		b := r.start()
		r.await("B's wait", func() bool { return len(r.crm.asked("x")) == 2 })
		first := r.crm.asked("x")[1].SentBefore()
		time.Sleep(10 * time.Second)
		b.shutdown(t)
		c := r.start()
		r.await("C's wait", func() bool { return len(r.crm.asked("x")) == 3 })
		if takeover := r.crm.asked("x")[2].SentBefore(); takeover.After(first) {
			t.Errorf("C waits from %v, B waited from %v", takeover, first)
		}
		r.crm.setAnswer(nil)
		c.shutdown(t)
		crashed.shutdown(t)
	})
}

// After a panic of the CRM client the event is tried again as a suspect, as its create may have left.
func TestPanicOfTheClientIsASuspect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		var panics atomic.Int32
		panics.Store(1)
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID == "x" && panics.Load() > 0 || q.OriginID == "y" {
				panics.Add(-1)
				_, _ = r.crm.apply(q)
				panic("after the create")
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		r.produce(event("x"))
		r.await("x committed", func() bool { return r.commits()[0].offset == 1 })
		if asked := r.crm.asked("x"); len(asked) != 2 || !asked[1].Suspect {
			t.Errorf("%d requests for x", len(asked))
		}
		r.crm.once(t)
		r.produce(event("y"))
		r.await("y committed", func() bool { return r.commits()[0].offset == 2 })
		letters := r.deadLetters()
		if len(letters) != 1 || header.Text(letters[0].Headers, header.Reason) != "PROCESSING_FAILED" {
			t.Errorf("%d letters for y", len(letters))
		}
		p.shutdown(t)
	})
}

// An unknown error of Create ends the generation; the event is delivered by the next one.
func TestUnknownErrorOfCreateIsNotTheEnd(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		var failures atomic.Int32
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			return crmclient.Result{}, errHang, failures.Add(1) <= 3
		})
		p := r.start()
		r.produce(event("x"))
		r.awaitCreated("x")
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Our requests do not create a deleted topic again, even where brokers create the topics that they are asked for.
func TestDeletedTopicIsNotCreatedAgain(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		p := r.start()
		r.produce(events("a", 5)...)
		r.await("all committed", func() bool { return r.commits()[0].offset == 5 })
		if err := r.cluster.DeleteTopic(testTopic); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			if r.cluster.TopicInfo(testTopic) != nil {
				t.Fatal("the topic is back")
			}
		}
		if !hasHold(p.Status(), HoldTopic) {
			t.Error("there is no hold for the missing topic")
		}
		p.shutdown(t)
	}, kfake.AllowAutoTopicCreation())
}
