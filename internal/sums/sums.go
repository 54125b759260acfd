// Package sums reads the counters of a Prometheus registry, so that people are shown
// the same numbers as in /metrics.
package sums

import "github.com/prometheus/client_golang/prometheus"

// Sums are the counters of a service at a moment.
type Sums struct{ series []series }

// series is one counter with its labels.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// Gather reads all counters.
func Gather(g prometheus.Gatherer) Sums {
	var s Sums
	families, _ := g.Gather() // what could be gathered is there in any case
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			c := metric.GetCounter()
			if c == nil {
				continue
			}
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			s.series = append(s.series, series{family.GetName(), labels, c.GetValue()})
		}
	}
	return s
}

// Of returns the sum of a counter's series; 0 when there is no such counter.
func (s Sums) Of(name string) (sum float64) {
	for _, one := range s.series {
		if one.name == name {
			sum += one.value
		}
	}
	return sum
}

// By returns the sums of a counter's series by the values of one of its labels.
func (s Sums) By(name, label string) map[string]float64 {
	sums := map[string]float64{}
	for _, one := range s.series {
		if value, ok := one.labels[label]; ok && one.name == name {
			sums[value] += one.value
		}
	}
	return sums
}
