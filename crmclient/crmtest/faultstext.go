package crmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// FaultsHelp explains the text that ParseFaults reads.
const FaultsHelp = `A comma list of name=value, or a JSON object of the same names; it replaces
what was set before, and the empty text ends all trouble.
Rates from 0 to 1, of the calls under /v1:
  fail_before      502, not applied
  apply_then_fail  applied, then 502
  apply_late       502, applied up to late_by (2s) afterwards
  batch_trickle    batches: 502, then their items are applied one each trickle_every (50ms)
  hang             never answered; half of them applied up to late_by afterwards
  reset            connection reset; half of them applied
  truncate         applied; half of the answer
  html             502 with an HTML body; half of them applied
  throttle         429 with retry_after (1) seconds
  bad_key          401
Rates of the items of batches:
  item_error       an error of any code
  item_missing     in neither map of the answer
Switches:
  lookup_lag=2s    a new contact is found only after that time
  ignore_filters   look-ups answer with strangers
  blind=A+B        fields or operators ($contains) by which look-ups find nothing
  down=close|503   nothing is served
  mandatory=A+B    fields without which a contact is refused (400); deals.title: a deal
  forbidden=A+B    contacts, leads, deals, timelines: what the key may do nothing with (403)
  revoked=A+B      keys that get 401
  refuse=TEXT      objects that contain TEXT get 400; business: 422, forbid: 403,
                   conflict: 409, poison: 500
Example: fail_before=0.05,apply_then_fail=0.05,hang=0.01,lookup_lag=1s`

// ParseFaults reads a JSON object of [Faults], or its short form
// "fail_before=0.05,lookup_lag=2s,ignore_filters,mandatory=post+companyId". The
// empty text means no faults. The error names all mistakes in the text.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	given, errs := splitFaults(strings.TrimSpace(text))
	names := faultNames()
	for _, pair := range given {
		i := slices.Index(names, pair.name)
		if i < 0 {
			errs = append(errs, fmt.Errorf("%q is not a fault; there are %s", pair.name, strings.Join(names, ", ")))
			continue
		}
		if err := pair.set(reflect.ValueOf(&f).Elem().Field(i)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", pair.name, err))
		}
	}
	errs = append(errs, f.check())
	if err := errors.Join(errs...); err != nil {
		return Faults{}, fmt.Errorf("faults: %w", err)
	}
	return f, nil
}

// faultNames returns the names of the fields of Faults, in their order.
func faultNames() []string {
	t := reflect.TypeFor[Faults]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// givenFault is one setting in a text.
type givenFault struct {
	name  string
	json  json.RawMessage // the value in JSON; nil: it is in short
	short string          // the value in the short form
}

// splitFaults splits a text into its settings.
func splitFaults(text string) ([]givenFault, []error) {
	if strings.HasPrefix(text, "{") {
		return splitJSON(text)
	}
	var given []givenFault
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" && !ok {
			continue
		}
		if !ok {
			value = "true"
		}
		given = append(given, givenFault{name: strings.TrimSpace(name), short: strings.TrimSpace(value)})
	}
	return given, nil
}

func splitJSON(text string) ([]givenFault, []error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	var object params
	if err := d.Decode(&object); err != nil || d.More() {
		return nil, []error{errors.New("no JSON object")}
	}
	var given []givenFault
	for name, raw := range object {
		given = append(given, givenFault{name: name, json: raw})
	}
	slices.SortFunc(given, func(a, b givenFault) int { return strings.Compare(a.name, b.name) })
	return given, nil
}

// set sets a field of Faults.
func (g givenFault) set(field reflect.Value) error {
	raw := g.json
	if raw == nil {
		raw = shortJSON(g.name, g.short, field.Kind())
	}
	err := json.Unmarshal(raw, field.Addr().Interface())
	if _, ok := reflect.TypeAssert[Duration](field); ok && (err != nil || raw[0] != '"') {
		return fmt.Errorf("%s is not a duration such as 500ms or 2s", raw)
	}
	if err != nil {
		return fmt.Errorf("%s does not fit", raw)
	}
	return nil
}

// shortJSON returns a value of the short form as JSON.
func shortJSON(name, value string, kind reflect.Kind) json.RawMessage {
	switch {
	case name == "down" && value == "true":
		return appendJSON(nil, down503)
	case kind == reflect.Slice:
		return appendJSON(nil, strings.Split(value, "+"))
	case kind == reflect.Float64, kind == reflect.Int:
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			if raw, err := json.Marshal(n); err == nil { // neither NaN nor infinite
				return raw
			}
		}
	case kind == reflect.Bool && (value == "true" || value == "false"):
		return json.RawMessage(value)
	}
	return appendJSON(nil, value)
}
