//go:build integration

package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/broker"
	"github.com/leadbridge/leadbridge/transform"
)

// session is KAFKA_SESSION_TIMEOUT: the shortest that brokers take by default.
const session = 6 * time.Second

// lab is the world of one test: a topic of its own on a cluster, a CRM, and the leads that were produced.
type lab struct {
	t       *testing.T
	cluster *broker.Cluster
	admin   *kadm.Client
	kafka   *kgo.Client
	crm     *portal
	names   *transform.Transformer

	topic, letters, group string
	partitions            int32
	ordered               bool // events of one key must be created in their order

	mu    sync.Mutex
	last  int    // the number of the last lead
	leads []lead // those that were produced
}

// labOptions say how a lab differs from the usual one.
type labOptions struct {
	partitions     int32 // 0 for 3
	replication    int16 // 0 for 1
	portal         crmtest.Options
	topicConfig    map[string]string
	lettersConfig  map[string]string
	withoutTopic   bool
	withoutLetters bool
}

// unfit matches characters that the name of a topic cannot have.
var unfit = regexp.MustCompile("[^A-Za-z0-9]+")

// newLab makes topics named after the test, and a CRM.
func newLab(t *testing.T, c *broker.Cluster, o labOptions) *lab {
	t.Helper()
	name := fmt.Sprintf("%s-%x", unfit.ReplaceAllString(t.Name(), "-"), time.Now().UnixNano())
	l := &lab{
		t: t, cluster: c, topic: name, letters: name + ".dlt", group: name,
		partitions: cmp.Or(o.partitions, 3),
	}
	var err error
	l.admin, err = c.Admin()
	must(t, "make a client", err)
	t.Cleanup(l.admin.Close)
	l.renewProducer()
	l.names, err = transform.New(transform.Options{})
	must(t, "make a transformer", err)
	o.portal.NativeOriginID = true
	l.crm = newPortal(t, o.portal)
	if !o.withoutTopic {
		l.create(l.topic, max(o.replication, 1), o.topicConfig)
	}
	if !o.withoutLetters {
		l.create(l.letters, max(o.replication, 1), o.lettersConfig)
	}
	return l
}

// renewProducer replaces the client by a new one, which knows nothing of an earlier topic or its partitions.
func (l *lab) renewProducer() {
	l.t.Helper()
	var err error
	l.kafka, err = kgo.NewClient(kgo.SeedBrokers(l.cluster.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(2_000_000))
	must(l.t, "make a producer", err)
	l.t.Cleanup(l.kafka.Close)
}

// create makes a topic and waits until it can be written to.
func (l *lab) create(name string, replication int16, config map[string]string) {
	l.t.Helper()
	settings := map[string]*string{}
	for k, v := range config {
		settings[k] = new(v)
	}
	made, err := l.admin.CreateTopic(l.ctx(), l.partitions, replication, settings, name)
	must(l.t, "make the topic "+name, errors.Join(err, made.Err))
	eventually(l.t, "the topic "+name+" has leaders", func() bool {
		ends, err := l.admin.ListEndOffsets(l.ctx(), name)
		return err == nil && ends.Error() == nil && len(ends[name]) == int(l.partitions)
	})
}

// ctx returns a context that bounds one call.
func (l *lab) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	l.t.Cleanup(cancel)
	return ctx
}

// env returns the settings of a process, with short times. name is the process's name; more are settings that differ.
func (l *lab) env(name string, more map[string]string) map[string]string {
	env := map[string]string{
		"KAFKA_BROKERS": strings.Join(l.cluster.Addrs(), ","), "KAFKA_TOPIC": l.topic, "KAFKA_DLT_TOPIC": l.letters, "KAFKA_GROUP_ID": l.group,
		"KAFKA_SESSION_TIMEOUT": session.String(), "DRAIN_TIMEOUT": "4s",
		"CRM_BASE_URL": l.crm.url, "CRM_API_KEY": keyPrefix + name,
		"CRM_SETTLE": crmSettle.String(), "CRM_QUEUE_LIMIT": crmQueueLimit.String(), "CRM_TIMEOUT": crmTimeout.String(),
		"CRM_REQUESTS_PER_MINUTE": "0", "CRM_REQUESTS_PER_SECOND": "0",
		"CRM_BACKOFF_INITIAL": "50ms", "CRM_BACKOFF_MAX": "1s",
		"HTTP_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug",
	}
	maps.Copy(env, more)
	return env
}

// join starts a process with the settings of env, and waits until it has started.
func (l *lab) join(name string, more map[string]string) *member {
	l.t.Helper()
	m := program(l.t, name, "run", l.env(name, more))
	m.awaitStart()
	return m
}

// awaitShared waits until each partition is owned by one of the members, and each member has partitions.
func (l *lab) awaitShared(members ...*member) {
	l.t.Helper()
	eventually(l.t, "the partitions are shared", func() bool {
		var all []int32
		for _, m := range members {
			owned := m.status().owned()
			if len(owned) == 0 {
				return false
			}
			all = append(all, owned...)
		}
		slices.Sort(all)
		return len(all) == int(l.partitions) && len(slices.Compact(all)) == int(l.partitions)
	})
}

// spread returns n further leads, for all partitions in turn.
func (l *lab) spread(n int) []lead {
	l.mu.Lock()
	defer l.mu.Unlock()
	made := make([]lead, n)
	for i := range made {
		l.last++
		made[i] = lead{number: l.last, partition: int32(l.last) % l.partitions}
	}
	return made
}

// into returns n further leads for one partition.
func (l *lab) into(partition int32, n int) []lead {
	made := l.spread(n)
	for i := range made {
		made[i].partition = partition
	}
	return made
}

// mixed returns n further leads for each of the partitions.
func (l *lab) mixed(n int, partitions ...int32) []lead {
	made := l.spread(n * len(partitions))
	for i := range made {
		made[i].partition = partitions[i%len(partitions)]
	}
	return made
}

// produce writes leads, and waits until Kafka has acknowledged them.
func (l *lab) produce(leads []lead) {
	l.t.Helper()
	must(l.t, "produce", l.write(leads))
}

func (l *lab) write(leads []lead) error {
	if err := l.register(leads); err != nil {
		return err
	}
	return l.send(leads)
}

// send writes leads that are registered already.
func (l *lab) send(leads []lead) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return l.kafka.ProduceSync(ctx, recordsOf(l.topic, leads)...).FirstErr()
}

// register notes leads that will be written.
func (l *lab) register(leads []lead) error {
	for _, one := range leads {
		origin, err := originOf(l.names, one, l.topic)
		if err != nil {
			return err
		}
		l.crm.know(origin, one.number)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leads = append(l.leads, leads...)
	return nil
}

// produceSteadily writes a few leads every 50 ms until stop is called.
func (l *lab) produceSteadily() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			leads := l.spread(int(l.partitions) * 2)
			err := l.write(leads)
			for ; err != nil && ctx.Err() == nil; err = l.send(leads) { // try again with the same ids, as a website does
				l.t.Logf("produce: %v", err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	l.t.Cleanup(stop)
	return stop
}

// all returns the leads that were produced.
func (l *lab) all() []lead {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.leads)
}

// answered calls ask until brokers answer without an error, as a broker may be frozen or stopped, or a leader or
// coordinator not known yet. ask must be a question, or a change that may be made twice.
func answered[T any](l *lab, what string, ask func() (T, error)) T {
	l.t.Helper()
	var answer T
	eventually(l.t, "brokers answer: "+what, func() bool {
		var err error
		answer, err = ask()
		return err == nil
	})
	return answer
}

// commits returns the group's commits by partition. A partition without a commit is left out.
func (l *lab) commits() map[int32]kadm.Offset {
	l.t.Helper()
	found := answered(l, "the group's commits", func() (kadm.OffsetResponses, error) {
		return l.admin.FetchOffsetsForTopics(l.ctx(), l.group, l.topic)
	})
	commits := map[int32]kadm.Offset{}
	found.Each(func(o kadm.OffsetResponse) {
		if o.Topic == l.topic && o.Err == nil {
			commits[o.Partition] = o.Offset
		}
	})
	return commits
}

// ends returns the ends of the topic's partitions.
func (l *lab) ends() map[int32]int64 {
	l.t.Helper()
	listed := answered(l, "the topic's ends", func() (kadm.ListedOffsets, error) { return l.admin.ListEndOffsets(l.ctx(), l.topic) })
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends
}

// drained reports whether everything is committed.
func (l *lab) drained() bool {
	commits := l.commits()
	for partition, end := range l.ends() {
		if c, ok := commits[partition]; end > 0 && (!ok || c.At < end) {
			return false
		}
	}
	return true
}

// settle waits until everything is committed, and then audits the leads.
func (l *lab) settle() {
	l.t.Helper()
	eventually(l.t, "everything is committed", l.drained)
	l.audit()
}

// awaitEmptyGroup waits until the group has no members any more.
func (l *lab) awaitEmptyGroup() {
	l.t.Helper()
	eventually(l.t, "the group is empty", func() bool {
		groups, err := l.admin.DescribeGroups(l.ctx(), l.group)
		return err == nil && groups[l.group].Err == nil && groups[l.group].State == "Empty"
	})
}

// forget removes leads from those that the audit expects to be delivered.
func (l *lab) forget(leads []lead) {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := numbersOf(leads)
	l.leads = slices.DeleteFunc(l.leads, func(one lead) bool { return slices.Contains(numbers, one.number) })
}

// forgive makes the audit accept that each of the leads is delivered or not.
func (l *lab) forgive(leads []lead) {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := numbersOf(leads)
	for i := range l.leads {
		l.leads[i].forgiven = l.leads[i].forgiven || slices.Contains(numbers, l.leads[i].number)
	}
}
