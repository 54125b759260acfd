package webhook

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// sourceEntry is one source as the file, or a preset, declares it.
type sourceEntry struct {
	Name             string         `yaml:"name"`
	Topic            string         `yaml:"topic"`
	Schema           string         `yaml:"schema"`
	Preset           string         `yaml:"preset"`
	Verify           *yaml.Node     `yaml:"verify"`
	SecretsEnv       []string       `yaml:"secrets_env"`
	SecretsFiles     []string       `yaml:"secrets_files"`
	Methods          []string       `yaml:"methods"`
	ContentTypes     []string       `yaml:"content_types"`
	Charset          string         `yaml:"charset"`
	Lenient          bool           `yaml:"lenient"`
	MaxBody          string         `yaml:"max_body"`
	Buffer           string         `yaml:"buffer"`
	Mapping          *yaml.Node     `yaml:"mapping"`
	Type             string         `yaml:"type"`
	ID               idEntry        `yaml:"id"`
	Allow            []string       `yaml:"allow"`
	OnMappingFailure string         `yaml:"on_mapping_failure" oneof:"letter pass"`
	Key              string         `yaml:"key" oneof:"auto email phone none"`
	Rate             string         `yaml:"rate"`
	CORS             []string       `yaml:"cors"`
	Redirect         []string       `yaml:"redirect"`
	Honeypot         string         `yaml:"honeypot"`
	Answer           *yaml.Node     `yaml:"answer"`
	Challenge        challengeEntry `yaml:"challenge"`
	Ignore           *yaml.Node     `yaml:"ignore"`
	IgnoreIf         *yaml.Node     `yaml:"ignore_if"`
	IgnoreUnsigned   bool           `yaml:"ignore_unsigned"`
}

// idEntry names where a provider puts the id of a delivery.
type idEntry struct {
	Header     string `yaml:"header"`
	Field      string `yaml:"field"`
	CloudEvent bool   `yaml:"cloud_event"`
}

// answerEntry is the answer for a webhook that was taken.
type answerEntry struct {
	Status      string   `yaml:"status" oneof:"200 202"`
	Body        verbatim `yaml:"body"`
	ContentType string   `yaml:"content_type"`
}

// challengeEntry describes the request by which a provider checks, once, that the address is ours.
type challengeEntry struct {
	When         *yaml.Node `yaml:"when"`
	Empty        bool       `yaml:"empty"`
	Echo         string     `yaml:"echo"`
	Answer       verbatim   `yaml:"answer"`
	Token        string     `yaml:"token"`
	SecretsEnv   []string   `yaml:"secrets_env"`
	SecretsFiles []string   `yaml:"secrets_files"`
}

// verifyEntry says how a source is verified. Which fields it may have depends on the type.
type verifyEntry struct {
	Type         string         `yaml:"type"`
	SecretsEnv   []string       `yaml:"secrets_env" for:"standard-webhooks hmac token jwt"`
	SecretsFiles []string       `yaml:"secrets_files" for:"standard-webhooks hmac token jwt"`
	Tolerance    time.Duration  `yaml:"tolerance" for:"standard-webhooks hmac jwt"`
	Header       string         `yaml:"header" for:"hmac token jwt"`
	Prefix       verbatim       `yaml:"prefix" for:"hmac token jwt"`
	Algorithm    string         `yaml:"algorithm" for:"hmac" oneof:"sha256 sha512 sha1"`
	Encoding     string         `yaml:"encoding" for:"hmac" oneof:"hex base64"`
	Element      string         `yaml:"element" for:"hmac"`
	Signed       verbatim       `yaml:"signed" for:"hmac"`
	Timestamp    timestampEntry `yaml:"timestamp" for:"hmac"`
	URL          string         `yaml:"url" for:"hmac"`
	Query        []string       `yaml:"query" for:"token"`
	Field        string         `yaml:"field" for:"token"`
}

// timestampEntry says where the time of a signature stands.
type timestampEntry struct {
	Header  string `yaml:"header"`
	Element string `yaml:"element"`
}

// usualEntry returns an entry with the defaults, for what neither preset nor file says.
func usualEntry() sourceEntry {
	return sourceEntry{
		ContentTypes: []string{mediaJSON, mediaForm, mediaMultipart, mediaCloudEvent}, MaxBody: "256KiB", Type: "leadbridge.lead", Key: string(keyAuto), Methods: []string{http.MethodPost},
	}
}

// sourceName matches names that need no escape in an address.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// readSource reads one source, and adds it to the sources when it has no faults. Its name is read first: faults name it.
func (r *fileReader) readSource(n *yaml.Node) {
	defer func() { r.current = "" }()
	before := len(r.faults)
	if name := member(n, "name"); name != nil && sourceName.MatchString(name.Value) {
		r.current = name.Value
	}
	e := usualEntry()
	at, presetVerify := r.entry(n, &e)
	if at == nil {
		return
	}
	s := &source{name: r.name(n, at["name"], e.Name), answer: answered{status: http.StatusAccepted}}
	if v := r.verifyEntry(n, at, e, presetVerify); v != nil {
		s.verifier, s.secrets = r.readVerifier(*v)
	}
	r.requests(s, at, e)
	r.bodies(s, at, e)
	r.events(s, at, e)
	r.browsers(s, at, e)
	r.answers(s, at, e)
	r.transformers(s, e.Mapping)
	if len(r.faults) == before {
		r.sources.byName[s.name] = s
	}
}

func (r *fileReader) name(n, at *yaml.Node, name string) string {
	switch {
	case at == nil:
		r.fault(n, "has no name", "give it one: it becomes the address /hooks/NAME")
	case name == "":
	case !sourceName.MatchString(name):
		r.fault(at, "the name "+human.Quote(name)+" cannot stand in an address", "use up to 64 letters, digits, dots, dashes and underscores")
	case r.names[name]: // also of a source with faults
		r.fault(at, "the name is used twice", "give each source a name of its own")
	}
	r.names[name] = true
	return name
}

// requests sets which requests a source takes.
func (r *fileReader) requests(s *source, at places, e sourceEntry) {
	s.methods = e.Methods
	for _, method := range e.Methods {
		if method != http.MethodPost && method != http.MethodGet {
			r.fault(at["methods"], "methods names "+human.Quote(method), "write POST, GET, or [GET, POST]")
		}
	}
	if slices.Contains(e.Methods, http.MethodGet) && !mayReadQuery(s.verifier) {
		r.fault(at["methods"], "methods names GET, whose address the signature does not cover", "write a signed: with {url} or {query} in it, or take POST alone")
	}
}

// bodies sets which bodies a source takes.
func (r *fileReader) bodies(s *source, at places, e sourceEntry) {
	s.contentTypes = r.contentTypes(at["content_types"], e.ContentTypes)
	var known bool
	if s.charset, known = charsetOf(e.Charset); !known {
		r.fault(at["charset"], "charset "+human.Quote(e.Charset)+" is not known", "write one such as windows-1251")
	}
	s.lenient = e.Lenient
	if at["lenient"] == nil {
		s.lenient = usuallyLenient(s.verifier)
	}
	s.maxBody = r.size(at["max_body"], "max_body", e.MaxBody, leastMaxBody, mostMaxBody)
	if e.Buffer != "" {
		s.buffer = r.size(at["buffer"], "buffer", e.Buffer, leastBuffer, mostBuffer)
	}
	if s.buffer != 0 && s.buffer < leastSourceBudget(s.maxBody) {
		r.fault(at["buffer"], "buffer is too small for one event of up to max_body", "write at least "+strconv.FormatInt((leastSourceBudget(s.maxBody)+1023)>>10, 10)+"KiB, or a smaller max_body")
	}
	if e.Rate != "" {
		s.rate = r.rate(at["rate"], e.Rate)
	}
}

// usuallyLenient reports whether JSON is repaired unless the file says otherwise: senders that do not sign may have
// templates that people wrote by hand.
func usuallyLenient(v verifier) bool {
	switch v.(type) {
	case token, anybody:
		return true
	}
	return false
}

// events sets what events are made of bodies.
func (r *fileReader) events(s *source, at places, e sourceEntry) {
	s.topic = r.topic(at["topic"], e.Topic)
	s.schema = r.schema(at["schema"], e.Schema)
	s.eventType = e.Type
	if len(e.Type) > 200 {
		r.fault(at["type"], "type is too long", "use up to 200 characters, such as com.example.lead")
	}
	s.id = idRule{header: r.headerName(at["id"], e.ID.Header), cloudEvent: e.ID.CloudEvent}
	if e.ID.Field != "" {
		s.id.field = strings.Split(e.ID.Field, ".")
	}
	s.key = keyRule(e.Key)
	s.allowed = r.allowed(at["allow"], e.Allow)
	s.passUnmapped = e.OnMappingFailure == "pass"
}

// schema reads the id of a JSON Schema in a schema registry; 0: none.
func (r *fileReader) schema(at *yaml.Node, text string) uint32 {
	id, ok := schemaID(text)
	if !ok {
		r.fault(at, "schema "+human.Quote(text)+" is not the id of a schema", "write the number that the schema registry gave the JSON Schema of the topic's events, such as 17; leadbridge check shows the ids of the topic's subjects")
	}
	return id
}

// browsers sets what pages of websites may do.
func (r *fileReader) browsers(s *source, at places, e sourceEntry) {
	s.origins = r.origins(at["cors"], e.CORS)
	s.redirects = r.redirects(at["redirect"], e.Redirect)
	s.honeypot = e.Honeypot
}

// answers sets what senders are answered.
func (r *fileReader) answers(s *source, at places, e sourceEntry) {
	if e.Answer != nil {
		s.answer = r.readAnswer(e.Answer)
	}
	if e.Ignore != nil {
		s.test = r.readTest(e.Ignore)
	}
	if e.IgnoreIf != nil {
		s.ignoreIf = r.readConditions(e.IgnoreIf, "ignore_if")
	}
	s.testUnsigned = e.IgnoreUnsigned
	if s.testUnsigned && e.Ignore == nil {
		r.fault(at["ignore_unsigned"], "ignore_unsigned has nothing to ignore", "write ignore: and the fields of the provider's test")
	}
	if at["challenge"] != nil {
		s.challenge = r.readChallenge(s, at["challenge"], e.Challenge)
	}
}
