package vibe

import (
	"maps"
	"slices"
	"strings"
)

// trackingKey is where a [Body] holds a contact's Tracking until Fit.
const trackingKey = "tracking"

// trackingTitle begins the block of the comments that has tracking values.
const trackingTitle = "Where the visit came from:"

// trackingPrefix begins the names of the user fields for tracking values, after UF_CRM_.
const trackingPrefix = "LEADBRIDGE_"

// utmFields are the names of UTM values, each with the CRM's own field for it.
var utmFields = [...]struct{ name, native string }{
	{"utm_source", "utmSource"}, {"utm_medium", "utmMedium"}, {"utm_campaign", "utmCampaign"},
	{"utm_content", "utmContent"}, {"utm_term", "utmTerm"},
}

// nativeTracking returns the CRM's own field for a tracking value; "" if it is not a UTM value.
func nativeTracking(name string) string {
	for _, f := range utmFields {
		if f.name == name {
			return f.native
		}
	}
	return ""
}

// TrackingField returns the name of the user field for a tracking value, such as LEADBRIDGE_YM_UID for _ym_uid.
// The portal puts UF_CRM_ before it.
func TrackingField(name string) string {
	return trackingPrefix + strings.ToUpper(strings.TrimLeft(name, "_"))
}

// KeepsTracking reports whether the portal has a field for a tracking value: a native one, or the user field of
// TrackingField. Otherwise the value goes into the comments.
func (f Fields) KeepsTracking(name string) bool {
	return f.Writable(nativeTracking(name)) || f.Writable(UserFieldPrefix+TrackingField(name))
}

// fitTracking moves tracking values to user fields that the portal has. It returns lines for the comments with
// the others.
func (f Fields) fitTracking(b Body) (lines []string) {
	values, _ := b[trackingKey].(map[string]string)
	values = maps.Clone(values)
	delete(b, trackingKey)
	for _, utm := range utmFields {
		if text := plain(b[utm.native]); text != "" && !f.Writable(utm.native) {
			if values == nil {
				values = map[string]string{}
			}
			values[utm.name] = text
			delete(b, utm.native)
		}
	}
	if len(values) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		field := f.Spelling(UserFieldPrefix + TrackingField(name))
		if _, taken := b[field]; !taken && f.Writable(field) {
			b[field] = values[name]
			continue
		}
		lines = append(lines, name+": "+values[name])
	}
	if len(lines) > 0 {
		lines = slices.Insert(lines, 0, trackingTitle)
	}
	return lines
}
