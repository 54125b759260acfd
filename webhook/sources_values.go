package webhook

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/idna"
	"golang.org/x/text/encoding"

	"github.com/leadbridge/leadbridge/transform"
)

// text reads a scalar that says something, in one line.
func (r *fileReader) text(n *yaml.Node, what string) string {
	text := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || text == "":
		r.fault(n, what+" is no text", "write one value")
		return ""
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.fault(n, what+" holds a control character", "write one line of plain text")
		return ""
	}
	return text
}

// texts reads a list of texts, or one text as a list of one.
func (r *fileReader) texts(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode {
		if text := r.text(n, what); text != "" {
			return []string{text}
		}
		return nil
	}
	var list []string
	for _, one := range n.Content {
		if text := r.text(resolve(one), what); text != "" {
			list = append(list, text)
		}
	}
	if len(n.Content) == 0 {
		r.fault(n, what+" is an empty list", "name at least one, or remove the field")
	}
	return list
}

func (r *fileReader) choice(n *yaml.Node, what string, words ...string) string {
	text := r.text(n, what)
	if text != "" && !slices.Contains(words, text) {
		r.fault(n, what+" "+quote(text)+" is not known", "write one of "+strings.Join(words, ", "))
	}
	return text
}

func (r *fileReader) duration(n *yaml.Node, what string) time.Duration {
	text := r.text(n, what)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.fault(n, what+" "+quote(text)+" is no duration above 0", "write one such as 5m or 30s")
	}
	return d
}

// Bodies may be as long as leaves room for the event around them: what reads
// the topic takes values of up to 1 MiB.
const (
	defaultMaxBody = 256 << 10
	leastMaxBody   = 1 << 10
	mostMaxBody    = 1000 << 10
)

var sizeText = regexp.MustCompile(`^([0-9]{1,9})\s*(KiB|KB|MiB|MB|B|)$`)

func (r *fileReader) size(n *yaml.Node) int64 {
	text := r.text(n, "max_body")
	if text == "" {
		return 0
	}
	parts := sizeText.FindStringSubmatch(text)
	if parts == nil {
		r.fault(n, "max_body "+quote(text)+" is no size", "write one such as 256KiB or a number of bytes")
		return 0
	}
	size, _ := strconv.ParseInt(parts[1], 10, 64) // the pattern leaves no fault
	size *= map[string]int64{"": 1, "B": 1, "KB": 1000, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20}[parts[2]]
	if size < leastMaxBody || size > mostMaxBody {
		r.fault(n, "max_body "+quote(text)+" is out of bounds", "write 1KiB to 1000KiB: an event has up to 1 MiB")
	}
	return size
}

func (r *fileReader) contentTypes(n *yaml.Node) []string {
	var list []string
	for _, text := range r.texts(n, "content_types") {
		media, _, err := mime.ParseMediaType(text)
		if err != nil || formOf(media) == formUnknown {
			r.fault(n, "content type "+quote(text)+" is not understood", "write application/json, application/x-www-form-urlencoded, multipart/form-data, text/plain (with JSON in it), or another that ends with +json")
			continue
		}
		list = append(list, media)
	}
	return list
}

// answer reads the status of what was taken: some providers count nothing but 200
// as success.
func (r *fileReader) answer(n *yaml.Node) int {
	if r.choice(n, "answer", "200", "202") == "200" {
		return http.StatusOK
	}
	return http.StatusAccepted
}

// ignored reads the fields of a provider's test.
func (r *fileReader) ignored(n *yaml.Node) map[string]string {
	n = resolve(n)
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fault(n, "ignore names no fields", "write the fields that the provider's test consists of, such as {test: test}")
		return nil
	}
	list := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := resolve(n.Content[i+1])
		if value.Kind != yaml.ScalarNode {
			r.fault(n.Content[i], "the value of "+quote(n.Content[i].Value)+" in ignore is no text", "write one value")
			continue
		}
		list[n.Content[i].Value] = value.Value
	}
	return list
}

func (r *fileReader) charset(n *yaml.Node) encoding.Encoding {
	text := r.text(n, "charset")
	charset, known := charsetOf(text)
	if !known {
		r.fault(n, "charset "+quote(text)+" is not known", "write one such as windows-1251")
	}
	return charset
}

// attribute reads the type of a CloudEvent.
func (r *fileReader) attribute(n *yaml.Node) string {
	text := r.text(n, "type")
	if len(text) > 200 {
		r.fault(n, "type is too long", "use up to 200 characters, such as com.example.lead")
	}
	return text
}

func (r *fileReader) idRule(n *yaml.Node) (rule idRule) {
	r.object(n, "id", fields{
		"header": func(n *yaml.Node) { rule.header = r.headerName(n) },
		"field": func(n *yaml.Node) {
			if path := r.text(n, "field"); path != "" {
				rule.field = strings.Split(path, ".")
			}
		},
	})
	return rule
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")

func (r *fileReader) headerName(n *yaml.Node) string {
	name := r.text(n, "header")
	if name != "" && !headerName.MatchString(name) {
		r.fault(n, "header "+quote(name)+" is no name of a header", "write one such as X-Delivery-Id")
	}
	return name
}

var rateText = regexp.MustCompile(`^([0-9]{1,9})/(s|m|h)$`)

// rate reads a number of requests in a second, a minute or an hour.
func (r *fileReader) rate(n *yaml.Node) *limiter {
	text := r.text(n, "rate")
	if text == "" {
		return nil
	}
	parts := rateText.FindStringSubmatch(text)
	if parts == nil {
		r.fault(n, "rate "+quote(text)+" is not understood", "write requests in a second, minute or hour: 20/s, 600/m, 5000/h")
		return nil
	}
	count, _ := strconv.Atoi(parts[1]) // the pattern leaves no fault
	if count == 0 {
		r.fault(n, "rate 0 lets nobody in", "write at least 1, or remove the field")
		return nil
	}
	return newLimiter(count, map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[parts[2]])
}

func (r *fileReader) origins(n *yaml.Node) []string {
	var list []string
	for _, text := range r.texts(n, "cors") {
		sent, ok := asOrigin(text)
		switch {
		case !ok:
			r.fault(n, "cors "+quote(text)+" is no origin", "write scheme and host alone, such as https://example.com, or * for every site")
		case sent != text:
			r.fault(n, "cors "+quote(text)+" is not written as browsers send it", "browsers send "+quote(sent)+": write that")
		default:
			list = append(list, text)
		}
	}
	return list
}

// asOrigin gives an origin as browsers send it: in lower case, without the usual
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

func (r *fileReader) redirects(n *yaml.Node) []string {
	list := r.texts(n, "redirect")
	for _, text := range list {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
			r.fault(n, "redirect "+quote(text)+" is no whole address", "write one such as https://example.com/thanks")
		}
	}
	return list
}

// transformers are those of a source: one that maps, and one that reads what
// was made as the service will.
func (r *fileReader) transformers(s *source, mapping *yaml.Node) {
	var err error
	if s.reader, err = transform.New(transform.Options{PhoneRegion: r.env.PhoneRegion}); err != nil {
		return // a fault of PHONE_REGION, which is told where it is read
	}
	if mapping == nil {
		return
	}
	program := mapping.Value
	if mapping.Kind != yaml.ScalarNode || strings.TrimSpace(program) == "" {
		r.fault(mapping, "mapping is no program", "write a jq program, or preset: and the name of a form builder")
		return
	}
	if s.mapper, err = transform.New(transform.Options{PhoneRegion: r.env.PhoneRegion, Mapping: program}); err != nil {
		problem := strings.TrimPrefix(oneLine(err), "MAPPING_FILE: ")
		problem, remedy, ok := cutLast(problem, ": ")
		if !ok {
			remedy = "mend the jq program"
		}
		r.fault(mapping, "mapping: "+problem, remedy)
	}
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// quote shows a wrong text, bounded, as it may be anything.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}
