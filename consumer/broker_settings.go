package consumer

import (
	"context"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// describe returns the values of the named settings of a topic or a broker. A setting that it does not have is left out.
func describe(ctx context.Context, client *kafka.Client, kind kafka.ResourceType, name string, settings ...string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: settings}},
	})
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, r.Error
		}
		for _, e := range r.ConfigEntries {
			found[e.ConfigName] = e.ConfigValue
		}
	}
	return found, nil
}

// number parses a decimal number; it returns -1 for any other text.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
