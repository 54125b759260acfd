package transform

import (
	"net/url"
	"strings"
)

// A phoneLink is an address of a messenger or of a telephone that holds a number.
type phoneLink struct {
	number string // "+" and digits where the address says that it is international
	rest   string // what else it says, such as the text of a message
}

// readPhoneLink reads one word as such an address: tel: and its kin (RFC 3966,
// RFC 5724), wa.me, api.whatsapp.com/send, whatsapp://, 7916…@c.us, viber://,
// tg://, t.me/+7916…. Numbers of messengers are international without a plus.
func readPhoneLink(word string) (phoneLink, bool) {
	lower := strings.ToLower(word)
	for _, suffix := range []string{"@c.us", "@s.whatsapp.net"} {
		if user, ok := strings.CutSuffix(lower, suffix); ok {
			return international(strings.TrimPrefix(user, "whatsapp:"), "")
		}
	}
	scheme, rest, ok := strings.Cut(word, ":")
	if !ok {
		return readWebLink(word)
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		return readWebLink(strings.TrimLeft(rest, "/"))
	case "tel", "callto", "sms", "smsto", "facetime", "facetime-audio":
		return readTelURI(strings.TrimLeft(rest, "/"))
	case "whatsapp", "viber", "tg", "skype", "signal", "sgnl":
		return readMessenger(strings.TrimLeft(rest, "/"))
	}
	return phoneLink{}, false
}

// isWhatsAppID reports whether a text is how WhatsApp's interfaces name a chat,
// which looks like a mailbox.
func isWhatsAppID(text string) bool {
	user, host, ok := strings.Cut(text, "@")
	if !ok || strings.Trim(user, "0123456789-") != "" {
		return false
	}
	switch strings.ToLower(host) {
	case "c.us", "s.whatsapp.net", "g.us", "lid", "broadcast":
		return true
	}
	return false
}

// readWebLink reads an address without its scheme.
func readWebLink(address string) (phoneLink, bool) {
	host, path, _ := strings.Cut(address, "/")
	switch strings.TrimPrefix(strings.ToLower(host), "www.") {
	case "wa.me", "api.whatsapp.com", "web.whatsapp.com", "whatsapp.com", "viber.click", "signal.me":
		return readMessenger(path)
	case "t.me", "telegram.me": // t.me/79161234567 would be a person's chosen name
		if strings.HasPrefix(path, "+") {
			return readMessenger(path)
		}
	}
	return phoneLink{}, false
}

// readMessenger finds the number in a path, or in the query's phone or number.
func readMessenger(path string) (phoneLink, bool) {
	path = strings.Replace(path, "#p/", "", 1)
	path, query, _ := strings.Cut(path, "?")
	var number string
	var rest []string
	for field := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(field, "=")
		switch strings.ToLower(name) {
		case "phone", "number":
			number = value
		case "call", "chat", "type", "app_absent", "source", "lang":
		default:
			if value != "" {
				rest = append(rest, field)
			}
		}
	}
	if number == "" {
		number = strings.Trim(path, "/")
	}
	return international(number, strings.Join(rest, "&"))
}

// international reads the number of an address whose numbers begin with the calling code.
func international(number, rest string) (phoneLink, bool) {
	if plain, err := url.PathUnescape(number); err == nil {
		number = plain
	}
	number = strings.TrimLeft(number, " ")
	digits := strings.TrimPrefix(plainDigits(number), "+")
	if len(digits) < minPhoneDigits {
		return phoneLink{}, false
	}
	return phoneLink{number: "+" + digits, rest: rest}, true
}

// readTelURI reads what stands behind tel:, so that the number stands behind its
// context and the extension behind a word.
func readTelURI(uri string) (phoneLink, bool) {
	if plain, err := url.PathUnescape(uri); err == nil {
		uri = plain
	}
	uri, query, _ := strings.Cut(uri, "?")
	number, params, _ := strings.Cut(uri, ";")
	link := phoneLink{rest: query}
	extension := ""
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		switch strings.ToLower(key) {
		case "ext":
			extension = " ext " + value
		case "phone-context":
			if strings.HasPrefix(value, "+") && !strings.HasPrefix(number, "+") {
				number = value + number
			}
		case "":
		default:
			link.rest += param
		}
	}
	link.number = number + extension
	return link, number != ""
}
