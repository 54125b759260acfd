// Package broker runs real Kafka brokers in containers (image apache/kafka), which
// can be stopped, killed and started again with their data, or takes an
// existing cluster in their place.
package broker
