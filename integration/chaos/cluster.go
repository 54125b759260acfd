package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
)

// Names on a broker that lives for one run.
const (
	topic   = "leads"
	letters = "leads.dlt"
	group   = "leadbridge"
)

// callLimit bounds a question to the broker, which may be dead at the moment.
const callLimit = 5 * time.Second

// cluster is one broker or more, with a path for each consumer. Producers and the audit have a
// way of their own, which is never cut.
type cluster struct {
	kafka  *broker.Cluster
	admin  *kadm.Client
	topics *topics.Client
	paths  []*path
}

func openCluster(ctx context.Context, brokers, consumers int) (*cluster, error) {
	c := &cluster{}
	o := broker.Options{Nodes: brokers}
	for range consumers {
		p, err := newPath(brokers)
		if err != nil {
			return nil, errors.Join(err, c.close(ctx))
		}
		c.paths, o.Paths = append(c.paths, p), append(o.Paths, p.addrs())
	}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context, o broker.Options) error {
	var err error
	if c.kafka, err = broker.Start(ctx, o); err != nil {
		return err
	}
	for i, p := range c.paths {
		for b, node := range c.kafka.Nodes {
			p.serve(b, node.PathUpstream(i))
		}
	}
	if c.admin, err = c.kafka.Admin(); err != nil {
		return err
	}
	c.topics = topics.New(c.admin, c.kafka.Addrs())
	replicas, inSync := int16(min(o.Nodes, 3)), strconv.Itoa(c.inSync())
	made, err := c.admin.CreateTopics(ctx, leads.Partitions, replicas, map[string]*string{"min.insync.replicas": &inSync}, topic, letters)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		return fmt.Errorf("make the topics: %w", err)
	}
	return nil
}

// inSync returns min.insync.replicas of the topics, so that one broker may be dead.
func (c *cluster) inSync() int { return max(min(len(c.kafka.Nodes), 3)-1, 1) }

// alterLimit bounds a change of a topic: on a busy machine a broker may take minutes to come back.
const alterLimit = 5 * time.Minute

// setInSync sets min.insync.replicas of a topic: with more than there are brokers it takes no record.
// It tries until a broker answers, as one may be dead at the moment.
func (c *cluster) setInSync(ctx context.Context, name string, replicas int) error {
	value := strconv.Itoa(replicas)
	var err error
	for began := time.Now(); time.Since(began) < alterLimit; rest(ctx, 200*time.Millisecond) {
		if err = c.alter(ctx, name, kadm.AlterConfig{Op: kadm.SetConfig, Name: "min.insync.replicas", Value: &value}); err == nil {
			return nil
		}
	}
	return fmt.Errorf("set min.insync.replicas of %s: %w", name, err)
}

func (c *cluster) alter(ctx context.Context, name string, change kadm.AlterConfig) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	done, err := c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, name)
	if err != nil {
		return err
	}
	for _, d := range done {
		err = errors.Join(err, d.Err)
	}
	return err
}

func (c *cluster) close(ctx context.Context) error {
	for _, p := range c.paths {
		p.close()
	}
	if c.admin != nil {
		c.admin.Close()
	}
	if c.kafka == nil {
		return nil
	}
	return c.kafka.Close(ctx)
}
