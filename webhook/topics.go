package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// writers write to the topics of all sources, one to each.
type writers map[string]*writer

// newWriters makes a writer of each topic that a source names, and of the gate's own for those that name none.
func newWriters(cfg Config, m *metrics) writers {
	all := writers{}
	for _, s := range cfg.Sources.byName {
		to, setting := cfg, "KAFKA_TOPIC"
		if s.topic != "" && s.topic != cfg.Topic {
			to.Topic, setting = s.topic, "its topic in SOURCES_FILE"
		}
		if all[to.Topic] == nil {
			all[to.Topic] = newWriter(to, setting, m)
		}
	}
	return all
}

// of returns the writer of a source's events; main is the gate's own topic.
func (w writers) of(s *source, main string) *writer {
	if s.topic != "" {
		return w[s.topic]
	}
	return w[main]
}

// run keeps all of them at work until ctx ends.
func (w writers) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, one := range w {
		all.Go(func() { one.run(ctx) })
	}
}

// ready returns nil when at least one of the topics can be written: taken out of service, the gate would lose that
// one's webhooks too. Sources whose topic cannot be written are answered 503.
func (w writers) ready() error {
	var first error
	for _, topic := range slices.Sorted(maps.Keys(w)) {
		err := w[topic].ready()
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// topicName matches the names of topics that Kafka allows.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (r *fileReader) topic(at *yaml.Node, name string) string {
	if name != "" && (!topicName.MatchString(name) || name == "." || name == "..") {
		r.fault(at, human.Quote(name)+" is not the name of a topic", "use 1 to 249 letters, digits, dots, dashes and underscores")
	}
	return name
}

// Output is what the sources of a file write by their own settings.
type Output struct {
	Topics  []string // sorted
	Schemas []uint32 // ids of JSON Schemas in a schema registry, sorted
}

// OutputOf returns the topics and schemas that the sources of a file name. It checks nothing else of the file.
func OutputOf(text []byte) (Output, error) {
	var file struct {
		Sources []struct {
			Topic  string `yaml:"topic"`
			Schema string `yaml:"schema"`
		} `yaml:"sources"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return Output{}, errors.New("is not YAML as a sources file has it")
	}
	topics, ids := map[string]bool{}, map[uint32]bool{}
	for i, s := range file.Sources {
		id, known := schemaID(s.Schema)
		switch {
		case s.Topic != "" && !topicName.MatchString(s.Topic):
			return Output{}, fmt.Errorf("source %d names a topic that cannot be one", i+1)
		case !known:
			return Output{}, fmt.Errorf("source %d names a schema that is not a number", i+1)
		}
		if s.Topic != "" {
			topics[s.Topic] = true
		}
		if id != 0 {
			ids[id] = true
		}
	}
	return Output{Topics: slices.Sorted(maps.Keys(topics)), Schemas: slices.Sorted(maps.Keys(ids))}, nil
}

// schemaID reads the id of a JSON Schema in a schema registry; "" is 0: none.
func schemaID(text string) (id uint32, ok bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n != 0
}
