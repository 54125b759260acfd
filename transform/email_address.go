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

// parseEmail reads one address without display name: a dot-atom in ASCII, an
// @ and a domain of two labels or more. Quotes around a local part that needs
// none are dropped; one that needs them, or one outside ASCII (RFC 6531), is refused
// as most mail systems refuse it. Punctuation around the address is passed over.
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

// isCarrierMailbox reports whether a mailbox is one of the Japanese carriers
// that gave out local parts with dots at any place, against RFC 5321.
func isCarrierMailbox(local, domain string) bool {
	switch domain {
	case "docomo.ne.jp", "ezweb.ne.jp", "au.com":
		return isDotAtom(strings.ReplaceAll(local, ".", ""))
	}
	return false
}

// trimEmail drops blanks, and punctuation that a sentence puts around an
// address. Signs that a local part may begin with go only when they are paired.
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

// asciiDomain brings a domain to ASCII by UTS 46 (nontransitional, with the
// rules of STD 3). Its last label counts as a top-level domain whatever it is.
func asciiDomain(domain string) (string, bool) {
	if plain, ok := plainDomain(domain); ok {
		return plain, true
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))
	if len(domain) > 4*maxEmail {
		return "", false // cannot fit; long input is costly to map
	}
	ascii, err := profile.ToASCII(strings.TrimRight(domain, "."))
	if err != nil {
		return "", false
	}
	// The package encodes broken UTF-8, and refuses its own result then.
	again, err := profile.ToASCII(ascii)
	return ascii, err == nil && again == ascii && strings.Contains(ascii, ".")
}

// plainDomain is asciiDomain for domains that need no mapping but to lower
// case. Beyond the profile it accepts hyphens in the third and fourth place, as STD 3 does.
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
