package transform

import (
	"strings"

	"golang.org/x/net/idna"
)

// Lengths in octets, by RFC 5321 4.5.3.1, RFC 1035 2.3.4 and the erratum 1690 of RFC 3696.
const (
	maxEmail       = 254
	maxEmailLocal  = 64
	maxDomainLabel = 63
)

// parseEmail reads one address without a display name: a dot-atom in ASCII, an @, and a domain of two labels or more.
// Punctuation around the address is ignored, and so are quotes around a local part that needs none. A local part that
// needs quotes, or is not ASCII (RFC 6531), is refused, as most mail systems refuse it.
func parseEmail(text string) (address string, ok bool) {
	text = trimEmail(text)
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return "", false
	}
	local, domain := text[:at], text[at+1:]
	if n := len(local); n > 2 && local[0] == '"' && local[n-1] == '"' {
		local = local[1 : n-1]
	}
	domain, ok = asciiDomain(domain)
	if !ok || !isDotAtom(local) && !isCarrierMailbox(local, domain) || len(local)+1+len(domain) > maxEmail {
		return "", false
	}
	if len(local) == at && text[at+1:] == domain && isLowerASCII(local) {
		return text, true // the common case costs no copy
	}
	return strings.ToLower(local) + "@" + domain, true
}

// isCarrierMailbox reports whether a mailbox is of one of the Japanese carriers that gave out local parts with dots in
// any place, against RFC 5321.
func isCarrierMailbox(local, domain string) bool {
	switch domain {
	case "docomo.ne.jp", "ezweb.ne.jp", "au.com":
		return isDotAtom(strings.ReplaceAll(local, ".", ""))
	}
	return false
}

// trimEmail removes blanks and punctuation around an address. A sign that a local part may begin with is removed only if its
// counterpart stands at the end.
func trimEmail(s string) string {
	s = strings.TrimSpace(s)
	bare := strings.TrimRight(s, " .,;:!?)]}>»”’\"'`…")
	tail := s[len(bare):]
	bare = strings.TrimLeft(bare, " ([<«“„‘:,;")
	for _, pair := range []string{`""`, "''", "``", "{}"} {
		if bare != "" && bare[0] == pair[0] && strings.IndexByte(tail, pair[1]) >= 0 {
			bare = bare[1:]
		}
	}
	return bare
}

// isDotAtom reports whether a local part (RFC 5322) needs no quotes.
func isDotAtom(s string) bool {
	if s == "" || len(s) > maxEmailLocal {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.':
			if i == 0 || i == len(s)-1 || s[i-1] == '.' {
				return false
			}
		case strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0:
			return false
		}
	}
	return true
}

func isLowerASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c >= 'A' && c <= 'Z' })
}

// asciiDomain converts a domain to ASCII by UTS 46 (nontransitional, with the rules of STD 3). Any last label is accepted
// as a top-level domain.
func asciiDomain(domain string) (string, bool) {
	if plain, ok := plainDomain(domain); ok {
		return plain, true
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))
	if len(domain) > 4*maxEmail {
		return "", false // it would be too long, and mapping a long text is slow
	}
	ascii, err := profile.ToASCII(strings.TrimRight(domain, "."))
	if err != nil {
		return "", false
	}
	// The package encodes invalid UTF-8, and only refuses the result when it is given that.
	again, err := profile.ToASCII(ascii)
	return ascii, err == nil && again == ascii && strings.Contains(ascii, ".")
}

// plainDomain is like asciiDomain, for domains that need no mapping except to lower case. Unlike the profile, and like
// STD 3, it accepts hyphens in the third and fourth place.
func plainDomain(domain string) (string, bool) {
	labels := 0
	for label := range strings.SplitSeq(domain, ".") {
		if !isPlainLabel(label) {
			return "", false
		}
		labels++
	}
	return strings.ToLower(domain), labels > 1
}

func isPlainLabel(s string) bool {
	if s == "" || len(s) > maxDomainLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
		default:
			return false
		}
	}
	return len(s) < 4 || !strings.EqualFold(s[:4], "xn--")
}
