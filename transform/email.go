package transform

import (
	"net/url"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// normalizeEmails reads e-mail addresses in any shape that a form sends. It returns them in lower case with ASCII
// domains, without repeats, in their order, with the kind that is given, else WORK. Escapes of HTML, JSON and URLs are
// undone. Display names before <…>, comments in parentheses beside an address, and the fields of a mailto: link except
// to= are dropped. Any other text that is not an address is returned in unusable as it was given. An address is never
// shortened: when the text beside it may belong to it, no address is read.
func normalizeEmails(raw any) (emails []crmclient.Multifield, unusable []string) {
	var r emailReader
	r.multifields = multifields{parse: r.read, typeID: emailTypeID}
	r.walk(raw, "")
	return r.list, r.unusable
}

// emailReader is the state of one call of normalizeEmails.
type emailReader struct {
	multifields
}

// read finds the addresses of one text.
func (r *emailReader) read(text, typ string) {
	if strings.Contains(text, "&#") && withoutEntities(text) == text {
		r.reject(text) // an entity has no end, so that it is not known where the address begins
		return
	}
	if !isEscaped(text) && r.keep(text, typ) {
		return
	}
	if r.full() {
		r.reject(text)
		return
	}
	folded := strings.TrimSpace(foldEmail(text))
	if isMailto(folded) && !strings.ContainsAny(folded, " \n") && r.mailto(folded, typ) {
		return
	}
	folded = strings.TrimSpace(foldEmail(withoutEscapes(folded)))
	parts := emailParts(folded)
	for _, part := range parts {
		switch {
		case strings.TrimSpace(part.text) == "":
		case !part.torn && r.part(part.text, typ):
		case len(parts) == 1:
			r.reject(text) // the text as it was given, before folding
		default:
			r.reject(part.text)
		}
	}
}

// isEscaped reports whether a text has escapes, with which it would be read as another address.
func isEscaped(text string) bool {
	return strings.ContainsAny(text, `&%\`) && withoutEscapes(text) != text
}

// keep adds text if it is an address. It reports whether the list has the address afterwards.
func (r *emailReader) keep(text, typ string) bool {
	address, ok := parseEmail(text)
	if !ok {
		return false
	}
	if typ == "" {
		typ = "WORK"
	}
	return r.add(address, typ)
}

// part reads the text between two separators: addresses in angle brackets after their display names, or bare addresses
// between blanks. It reports whether all of the text was understood.
func (r *emailReader) part(part, typ string) bool {
	rest, understood, found := withoutComments(part), true, false
	for {
		open := strings.IndexByte(rest, '<')
		size := strings.IndexByte(rest[open+1:], '>')
		if open < 0 || size < 0 {
			break
		}
		display, inside := rest[:open], rest[open+1:open+1+size]
		rest = rest[open+1+size+1:]
		understood = r.words(inside, typ) && (understood && r.displays(display, inside))
		found = true
	}
	if strings.TrimSpace(rest) != "" || !found {
		understood = r.words(rest, typ) && understood
	}
	return understood
}

// displays reports whether a display name is only a name, or repeats the address.
func (r *emailReader) displays(display, inside string) bool {
	if !strings.Contains(display, "@") {
		return true
	}
	name, ok := parseEmail(display)
	address, _ := parseEmail(inside)
	return ok && name == address
}

// words reads the addresses among the words of a text. It reports whether there was at least one, and nothing else but
// labels and conjunctions.
func (r *emailReader) words(text, typ string) bool {
	words := strings.Fields(text)
	if isTorn(words) {
		return false
	}
	found, understood := false, true
	for _, word := range words {
		switch {
		case isMailto(word) && len(word) > len("mailto:"):
			understood = r.mailto(word, typ) && understood
			found = true
		case r.keep(word, typ):
			found = true
		case r.labelled(word, typ):
			found = true
		case !isEmailFiller(word):
			understood = false
		}
	}
	return found && understood
}

// labelled reads an address that is glued to its label: "email:a@b.org".
func (r *emailReader) labelled(word, typ string) bool {
	label, address, ok := strings.Cut(word, ":")
	return ok && isEmailFiller(label) && r.keep(address, typ)
}

// mailto reads a mailto: address (RFC 6068): its path and the field to=.
func (r *emailReader) mailto(uri, typ string) bool {
	path, query, _ := strings.Cut(uri[len("mailto:"):], "?")
	lists := []string{path}
	for field := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(field, "="); strings.EqualFold(name, "to") {
			lists = append(lists, value)
		}
	}
	understood, found := true, false
	for _, list := range lists {
		for address := range strings.SplitSeq(list, ",") {
			if address == "" {
				continue
			}
			if plain, err := url.PathUnescape(address); err == nil {
				address = foldEmail(plain)
			}
			understood = r.keep(address, typ) && understood
			found = true
		}
	}
	return found && understood
}

func isMailto(s string) bool {
	const scheme = "mailto:"
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// isEmailFiller reports whether a word beside an address has no meaning of its own: it is a label or a conjunction.
func isEmailFiller(word string) bool {
	switch strings.ToLower(strings.TrimRight(word, ":.")) {
	case "", "/", "|", "-", "–", "—", "&", "or", "and", "или", "и", "oder", "und", "либо", "або", "та", "ou", "y", "o", "et",
		"email", "e-mail", "emails", "mail", "mailto", "e", "почта", "емейл", "имейл", "эл", "электронная", "пошта", "correo", "adresse":
		return true
	}
	return false
}

// emailTypeID maps the kinds of other systems to the CRM's four.
func emailTypeID(spelling string) (string, bool) {
	switch s := strings.ToUpper(strings.TrimSpace(spelling)); s {
	case "WORK", "HOME", "MAILING", "OTHER":
		return s, true
	case "MAIN", "BUSINESS", "OFFICE", "COMPANY":
		return "WORK", true
	case "PRIVATE", "PERSONAL":
		return "HOME", true
	case "NEWSLETTER":
		return "MAILING", true
	}
	return "", false
}
