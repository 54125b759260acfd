package transform

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Each tool has its own names for values that say where a visit came from. A value is kept under the same name, whatever
// the tool calls it.

// trackingNames has on each line the name of a tracking value, and its spellings.
const trackingNames = `
	gclid gclid
	gbraid gbraid
	wbraid wbraid
	dclid dclid
	yclid yclid ymclid
	fbclid fbclid
	ttclid ttclid
	vkclid vkclid
	rb_clickid rbclickid
	msclkid msclkid
	twclid twclid
	li_fat_id lifatid
	_openstat openstat
	_ym_uid ymuid
	ym_client_id ymclientid yandexclientid yandexmetrikaclientid metrikaclientid metricaclientid
	ga_client_id gaclientid ga4clientid googleclientid googleanalyticsclientid
	_fbp fbp
	_fbc fbc
	roistat_visit roistatvisit roistatvisitid roistat
	referrer referrer referer httpreferer httpreferrer referrerurl refererurl documentreferrer pagereferrer
	page page pageurl pageuri pagelink pageaddress landingpage landingpageurl landingurl currentpage currenturl formpage formurl sourceurl адресстраницы страница ссылканастраницу`

// maxTracking is the longest tracking value, in bytes. A longer text is kept whole, as a field without a place of its own is.
const maxTracking = 2000

// maxUTMName is the longest text after utm_ in a name, in bytes.
const maxUTMName = 30

var trackingTable = sync.OnceValue(func() map[string]string {
	table := map[string]string{}
	for line := range strings.Lines(trackingNames) {
		words := strings.Fields(line)
		for i, spelling := range words {
			if i > 0 {
				table[spelling] = words[0]
			}
		}
	}
	return table
})

// TrackingNames returns the names under which values that say where a visit came from are kept. Further ones are utm_ followed
// by any name.
func TrackingNames() []string {
	names := []string{"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "_ga"}
	for line := range strings.Lines(trackingNames) {
		if words := strings.Fields(line); len(words) > 0 {
			names = append(names, words[0])
		}
	}
	return names
}

// TrackingName returns the name under which the value of a field is kept, such as gclid or utm_referrer; "" for a field
// that does not describe a visit.
func TrackingName(key string) string { return trackingNameOf(key, keyWords(key)) }

// trackingNameOf is TrackingName for a name whose words are known.
func trackingNameOf(key string, words []string) string {
	if key == "_ga" { // without the underscore it may be anything
		return key
	}
	if name := trackingTable()[strings.Join(words, "")]; name != "" {
		return name
	}
	if len(words) > 1 && words[0] == "utm" {
		if rest := strings.Join(words[1:], "_"); len(rest) <= maxUTMName && onlyFrom(rest, "_") {
			return "utm_" + rest
		}
	}
	return ""
}

// trackingNameAt returns the name for the end of a path, such as gclid, or utm_id for utm.id; "" when it is not a
// tracking value.
func trackingNameAt(path string) string {
	parts := strings.Split(path, ".")
	last := len(parts) - 1
	if name := TrackingName(parts[last]); name != "" || last == 0 {
		return name
	}
	return TrackingName(parts[last-1] + "_" + parts[last])
}

// visitWords are names of objects that describe a visit.
const visitWords = `campaign tracking track trackingdata analytics attribution visit visitdata session marketing traffic cookies cookie meta metadata utmdata`

// isVisit reports whether a name is that of an object that describes a visit, or of the text of a browser's cookies.
func isVisit(key string) bool {
	return visitSet()[strings.Join(keyWords(key), "")]
}

var visitSet = sync.OnceValue(func() map[string]bool { return wordSet(visitWords) })

// visitOf returns the field for a member of an object that describes a visit.
func visitOf(key string) field {
	if f := fieldOf(key); f.isAboutVisit() && f != fieldComments { // not what people wrote
		return f
	}
	return fieldUnknown
}

// addCookies reads what a browser's cookies say about a visit. The text has the form of the header Cookie.
func (e *bodyObject) addCookies(path, text string) {
	for pair := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if visitOf(name) == fieldTracking {
			e.put(fieldTracking, path+"."+name, value)
		}
	}
}

// addPageQuery adds the values that the query of the page's address has and the event does not.
func (l *lead) addPageQuery() {
	address := l.contact.Tracking["page"]
	if !strings.Contains(address, "?") {
		return
	}
	page, err := url.Parse(address)
	if err != nil || page.RawQuery == "" {
		return
	}
	query := page.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value := cleanLine(strings.ToValidUTF8(query.Get(name), "\uFFFD"))
		switch f := visitOf(name); {
		case f == fieldUnknown, value == "":
		case f == fieldUTM: // "utm" alone names no value
		case f != fieldTracking && l.fields[f].text == "": // such as utm_source
			l.fields[f] = entry{name, value}
		case f == fieldTracking && l.contact.Tracking[TrackingName(name)] == "":
			l.addTracking(name, value)
		}
	}
}

// addTracking adds a tracking value. ok is false if the contact has another value of this name already, the path is not that of
// a tracking value, or the text is too long.
func (l *lead) addTracking(path, text string) (ok bool) {
	name, line := trackingNameAt(path), cleanLine(text)
	if name == "" || len(line) > maxTracking {
		return false
	}
	if l.contact.Tracking == nil {
		l.contact.Tracking = map[string]string{}
	}
	if l.contact.Tracking[name] == "" {
		l.contact.Tracking[name] = line
	}
	return l.contact.Tracking[name] == line
}
