package consumer

import (
	"context"
	"strings"

	"github.com/segmentio/kafka-go"
)

// stateTopicSettings returns the settings of a new state topic. A segment lasts a day, as only closed segments are compacted
// and the brokers' default is a week. Nothing is compressed, so that no small batch can decompress to a large one.
func stateTopicSettings() []kafka.ConfigEntry {
	return []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "compact"},
		{ConfigName: "segment.ms", ConfigValue: "86400000"},
		{ConfigName: "compression.type", ConfigValue: "uncompressed"},
	}
}

// stateTopic checks that the state topic exists, is compacted, and may be read and written. Nothing that it finds keeps an
// event from being delivered.
func (f *preflight) stateTopic(ctx context.Context, fix bool) {
	name := f.cfg.StateTopic
	ids := f.topic(ctx, name, "KAFKA_STATE_TOPIC", 1, fix, stateTopicSettings()...)
	if len(ids) == 0 {
		return
	}
	f.writeRight(ctx, name, 0)
	f.stateReadRight(ctx)
	settings, err := f.describe(ctx, kafka.ResourceTypeTopic, name, "cleanup.policy")
	switch policy := settings["cleanup.policy"]; {
	case err != nil:
		f.add("warn", "state cleanup", "grant DESCRIBE_CONFIGS on "+name+" to have its cleanup looked at", "%v", err)
	case !strings.Contains(policy, "compact"):
		f.add("warn", "state cleanup", "set cleanup.policy=compact on "+name+": else it grows, or forgets what it should keep for 30 days", "cleanup.policy is %s", policy)
	default:
		f.add("ok", "state cleanup", "", "cleanup.policy is %s", policy)
	}
}

// stateReadRight checks that we may read the state topic.
func (f *preflight) stateReadRight(ctx context.Context) {
	log := NewLog(f.cfg.Brokers, f.cfg.StateTopic)
	defer log.Close()
	err := f.withRetries(ctx, func() error {
		bounds, err := log.Written(ctx)
		if err == nil {
			_, _, err = log.Read(ctx, 0, bounds[0].End, 1<<10)
		}
		return err
	})
	f.right("reading "+f.cfg.StateTopic, "grant READ and DESCRIBE on the topic "+f.cfg.StateTopic, err)
}
