package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signature verifies an HMAC in a header: of the body, as GitHub sends it, or of a text that is
// made of several parts of the request.
type signature struct {
	secrets   *secrets
	header    string
	element   string // where the header is a list such as t=…,v1=…: the name of its signatures; "": it is none
	prefix    string // "": the algorithm's name and =, which may be missing
	algorithm algorithm
	encoding  string // hex or base64; "": either, as their lengths differ

	signed    template
	sent      timestamp
	tolerance time.Duration // of the timestamp
	url       string        // the gate's address as the sender knows it, without the path; "": https:// and the request's Host
}

// algorithm is a hash by its usual name.
type algorithm struct {
	name string
	size int // of a sum, in bytes
	new  func() hash.Hash
}

// timestamp says where the time stands at which a request was signed.
type timestamp struct {
	header  string // "": none
	element string // where the signature's header is a list: the name of the time in it
}

func (signature) scheme() string { return "HMAC" }

// signedID is "": where the signature covers a header with an id, the source's id rule names it.
func (signature) signedID(http.Header) string { return "" }

func (v signature) before(r *http.Request, now time.Time) error {
	if _, err := v.given(r); err != nil {
		return err
	}
	return v.inTime(r, now)
}

func (v signature) verify(r *http.Request, body []byte, now time.Time) error {
	if err := v.inTime(r, now); err != nil {
		return err
	}
	given, err := v.given(r)
	if err != nil {
		return err
	}
	texts, err := v.texts(r, body)
	if err != nil {
		return err
	}
	fits := v.secrets.any(now, func(key []byte) bool {
		found := false
		for _, text := range texts {
			found = containsEqual(given, mac(v.algorithm.new, key, text)) || found
		}
		return found
	})
	if !fits {
		return errBadSignature
	}
	return nil
}

// given returns the signatures in the header, one unless it is a list. The error says what is wrong when there is none.
func (v signature) given(r *http.Request) (list [][]byte, err error) {
	texts := []string{r.Header.Get(v.header)}
	if v.element != "" {
		texts = elements(texts[0], v.element)
	}
	err = errUnsigned
	for _, text := range texts {
		one, fault := v.sum(strings.TrimSpace(text))
		if fault != nil {
			err = fault
			continue
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return nil, err
	}
	return list, nil
}

// elements returns the values of a name in a list such as t=1,v1=abc.
func elements(list, name string) (values []string) {
	for one := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if key, value, ok := strings.Cut(strings.TrimSpace(one), "="); ok && key == name {
			values = append(values, value)
		}
	}
	return values
}

// sum returns the bytes of one signature, of the algorithm's size.
func (v signature) sum(text string) ([]byte, error) {
	if v.prefix == "" {
		text, _ = cutPrefixFold(text, v.algorithm.name+"=")
	} else {
		var ok bool
		if text, ok = cutPrefixFold(text, v.prefix); !ok {
			return nil, errUnsigned
		}
	}
	sum, err := v.decode(text)
	if err != nil || len(sum) == 0 {
		return nil, errUnsigned
	}
	if len(sum) != v.algorithm.size {
		return nil, errBadSignature
	}
	return sum, nil
}

// cutPrefixFold is strings.CutPrefix that takes letters of both cases for the same.
func cutPrefixFold(text, prefix string) (after string, found bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

func (v signature) decode(text string) ([]byte, error) {
	if v.encoding == "hex" || v.encoding == "" && len(text) == hex.EncodedLen(v.algorithm.size) {
		return hex.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// time returns the text of the timestamp; "" when there is none.
func (v signature) time(r *http.Request) string {
	switch {
	case v.sent.header != "":
		return r.Header.Get(v.sent.header)
	case v.sent.element != "":
		if list := elements(r.Header.Get(v.header), v.sent.element); len(list) > 0 {
			return list[0]
		}
	}
	return ""
}

// msFrom is the least number that is read as a time in milliseconds: in seconds, it is in the year 5138.
const msFrom = 100_000_000_000

// inTime returns an error when the timestamp (seconds or milliseconds since 1970, or RFC 3339) is missing or further from
// now than the tolerance. Without a rule for the timestamp it returns nil.
func (v signature) inTime(r *http.Request, now time.Time) error {
	if v.sent == (timestamp{}) {
		return nil
	}
	text := v.time(r)
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errUnsigned
		}
		seconds = at.Unix()
	}
	if seconds >= msFrom {
		seconds /= 1000
	}
	if !within(seconds, now, v.tolerance) {
		return errTimestamp
	}
	return nil
}

// texts returns the texts that may have been signed. There are two when the address is part of it and has escapes:
// HubSpot signs it with some of them undone.
//
// Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
func (v signature) texts(r *http.Request, body []byte) (texts [][]byte, err error) {
	address := v.address(r)
	for _, one := range []string{address, lessEscaped.Replace(address)} {
		text, ok := v.signed.fill(func(p part) (string, bool) { return v.part(r, p, one) }, body)
		if !ok {
			return nil, errUnsigned
		}
		texts = append(texts, text)
		if !v.signed.has("url") || strings.IndexByte(address, '%') < 0 {
			break
		}
	}
	return texts, nil
}

// address returns the whole address of a request, as the sender knows it.
func (v signature) address(r *http.Request) string {
	base := v.url
	if base == "" {
		base = "https://" + r.Host
	}
	return base + r.URL.RequestURI()
}

// lessEscaped undoes the escapes of the characters that HubSpot does not escape.
var lessEscaped = strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";")

// part returns the value of a part of what is signed. ok is false when the request has none.
func (v signature) part(r *http.Request, p part, address string) (text string, ok bool) {
	switch p.kind {
	case "method":
		text = r.Method
	case "url":
		text = address
	case "path":
		text = r.URL.EscapedPath()
	case "query":
		return r.URL.RawQuery, true
	case "timestamp":
		text = v.time(r)
	case "header":
		text = r.Header.Get(p.text)
	}
	return text, text != ""
}
