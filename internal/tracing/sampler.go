package tracing

import (
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Sampler is one of the standard samplers; the zero value is parentbased_always_on.
type Sampler struct {
	name  string
	ratio float64
}

// Samplers returns the names that OTEL_TRACES_SAMPLER may have, the default first.
func Samplers() []string {
	return []string{"parentbased_always_on", "parentbased_traceidratio", "parentbased_always_off", "always_on", "traceidratio", "always_off"}
}

// NewSampler returns the sampler with a name of [Samplers]. The argument of samplers with a ratio is a number
// from 0 to 1, and "" stands for 1; others have none.
func NewSampler(name, argument string) (Sampler, error) {
	s := Sampler{name: name, ratio: 1}
	if argument == "" || (name != "traceidratio" && name != "parentbased_traceidratio") {
		return s, nil
	}
	ratio, err := strconv.ParseFloat(argument, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return s, fmt.Errorf("%.20q is not a number from 0 to 1", argument)
	}
	s.ratio = ratio
	return s, nil
}

func (s Sampler) sampler() sdktrace.Sampler {
	switch s.name {
	case "always_on":
		return sdktrace.AlwaysSample()
	case "always_off":
		return sdktrace.NeverSample()
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(s.ratio)
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(s.ratio))
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample())
	}
	return sdktrace.ParentBased(sdktrace.AlwaysSample())
}

func sdkVersion() string { return otel.Version() }
