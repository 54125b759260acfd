package webhook

import (
	"mime"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/idna"

	"github.com/leadbridge/leadbridge/internal/human"
	"github.com/leadbridge/leadbridge/transform"
)

// Bounds of max_body in bytes. The longest leaves room for the event around the body: what reads
// the topic takes values of up to 1 MiB.
const (
	leastMaxBody = 1 << 10
	mostMaxBody  = 1000 << 10
)

// Bounds of a source's buffer in bytes.
const (
	leastBuffer = 1 << 20
	mostBuffer  = 1 << 40
)

func (r *fileReader) size(n *yaml.Node, what, text string, least, most int64) int64 {
	size, ok := human.ParseSize(text)
	switch {
	case !ok:
		r.fault(n, what+" "+human.Quote(text)+" is not a size", "write one such as 256KiB or a number of bytes")
	case size >= least && size <= most:
	case most == mostMaxBody:
		r.fault(n, what+" "+human.Quote(text)+" is out of bounds", "write 1KiB to 1000KiB: an event has up to 1 MiB")
	default:
		r.fault(n, what+" "+human.Quote(text)+" is out of bounds", "write at least 1MiB, and less than MAX_BUFFER")
	}
	return size
}

// allowed reads the names of fields with rights that a source may set.
func (r *fileReader) allowed(n *yaml.Node, names []string) (list []string) {
	for _, name := range names {
		if !transform.HasRights(name) {
			r.fault(n, "allow names "+human.Quote(name)+", which needs no permission, or is not a field", "write names as the CRM spells them: "+strings.Join(transform.FieldsWithRights(), ", ")+", target, deal, ufCrm_…")
			continue
		}
		list = append(list, name)
	}
	return list
}

func (r *fileReader) contentTypes(n *yaml.Node, texts []string) (list []string) {
	for _, text := range texts {
		media, _, err := mime.ParseMediaType(text)
		if err != nil || formOf(media) == formUnknown {
			r.fault(n, "content type "+human.Quote(text)+" is not understood", "write application/json, application/x-www-form-urlencoded, multipart/form-data, text/plain (with JSON in it), or another that ends with +json")
			continue
		}
		list = append(list, media)
	}
	return list
}

// readTest reads the fields of a provider's test, and their values.
func (r *fileReader) readTest(n *yaml.Node) map[string]string {
	n = resolve(n)
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fault(n, "ignore names no fields", "write the fields that the provider's test consists of, such as {test: test}")
		return nil
	}
	list := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := resolve(n.Content[i+1])
		if value.Kind != yaml.ScalarNode {
			r.fault(n.Content[i], "the value of "+human.Quote(n.Content[i].Value)+" in ignore is not a text", "write one value")
			continue
		}
		list[n.Content[i].Value] = value.Value
	}
	return list
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")

func (r *fileReader) headerName(n *yaml.Node, name string) string {
	if name != "" && !headerName.MatchString(name) {
		r.fault(n, "header "+human.Quote(name)+" is not a header name", "write one such as X-Delivery-Id")
	}
	return name
}

var rateText = regexp.MustCompile(`^([0-9]{1,9})/(s|m|h)$`)

// rate reads a number of requests in a second, a minute or an hour.
func (r *fileReader) rate(n *yaml.Node, text string) *limiter {
	parts := rateText.FindStringSubmatch(text)
	if parts == nil {
		r.fault(n, "rate "+human.Quote(text)+" is not understood", "write requests in a second, minute or hour: 20/s, 600/m, 5000/h")
		return nil
	}
	count, _ := strconv.Atoi(parts[1]) // up to nine digits always fit
	if count == 0 {
		r.fault(n, "rate 0 lets nobody in", "write at least 1, or remove the field")
		return nil
	}
	return newLimiter(count, map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[parts[2]])
}

func (r *fileReader) origins(n *yaml.Node, texts []string) (list []string) {
	for _, text := range texts {
		sent, ok := asOrigin(text)
		switch {
		case !ok:
			r.fault(n, "cors "+human.Quote(text)+" is not an origin", "write scheme and host alone, such as https://example.com, or * for every site")
		case sent != text:
			r.fault(n, "cors "+human.Quote(text)+" is not written as browsers send it", "browsers send "+human.Quote(sent)+": write that")
		default:
			list = append(list, text)
		}
	}
	return list
}

// asOrigin returns an origin as browsers send it: in lower case, without the usual
// port, with names in ASCII.
//
// Source: HTML, "ASCII serialization of an origin".
func asOrigin(text string) (sent string, ok bool) {
	if text == "*" {
		return text, true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	host, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(u.Hostname())
	if err != nil {
		return "", false
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host, true
}

func (r *fileReader) redirects(n *yaml.Node, list []string) []string {
	for _, text := range list {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
			r.fault(n, "redirect "+human.Quote(text)+" is not a complete address", "write one such as https://example.com/thanks")
		}
	}
	return list
}

// transformers makes the two of a source: one that maps bodies, and one that reads the events made of them
// as the service will.
func (r *fileReader) transformers(s *source, mapping *yaml.Node) {
	var err error
	if s.reader, err = transform.New(transform.Options{PhoneRegion: r.env.PhoneRegion}); err != nil {
		return // PHONE_REGION is wrong, which is reported where that setting is read
	}
	if mapping == nil {
		return
	}
	program := mapping.Value
	if mapping.Kind != yaml.ScalarNode || strings.TrimSpace(program) == "" {
		r.fault(mapping, "mapping is not a program", "write a jq program, or preset: and the name of a form builder")
		return
	}
	s.allowedByMapper = transform.RightsNamedBy(program)
	if s.mapper, err = transform.New(transform.Options{PhoneRegion: r.env.PhoneRegion, Mapping: program}); err != nil {
		problem := strings.TrimPrefix(oneLine(err), "MAPPING_FILE: ")
		problem, remedy, ok := cutLast(problem, ": ")
		if !ok {
			remedy = "correct the jq program"
		}
		r.fault(mapping, "mapping: "+problem, remedy)
	}
}

// cutLast is strings.Cut around the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
