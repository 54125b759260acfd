package schemas

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Config says how to reach a schema registry.
type Config struct {
	URLs     []string // of one registry, tried in turn; none: there is no registry
	Username string   // with Password: basic authentication; empty: none
	// Password and Token are read for each request; nil: none.
	Password, Token func() (string, error)
	TLS             func() *tls.Config // for each connection; nil: the system's authorities, no certificate
	Transport       http.RoundTripper  // nil: the network, through the usual proxies
	// Patience is how long a read waits for a schema that is being fetched. 0 is for the delivery, where other records wait
	// behind a read: a quarter of a second, after which no read waits for nine times as long as that wait took.
	Patience time.Duration
}

// Bounds of a request, and of what the registry answers.
const (
	requestTime   = 10 * time.Second
	maxSchema     = 1 << 20 // bytes of a schema's text with all that it refers to
	maxAnswer     = 4 << 20 // bytes of an answer
	maxReferences = 200     // schemas that one refers to, directly or not
)

// A schemaText is a schema, and the name by which others refer to it.
type schemaText struct{ name, text string }

// A source is a schema as the registry has it, with all that it refers to directly or not.
type source struct {
	kind       string // AVRO, PROTOBUF or JSON
	main       schemaText
	references []schemaText // each behind those that it refers to itself
}

// size returns the bytes of all its texts.
func (s *source) size() int {
	n := len(s.main.text)
	for _, r := range s.references {
		n += len(r.text)
	}
	return n
}

// errUnknown is the error when the registry answered that it does not have the schema.
var errUnknown = errors.New("the schema registry does not know it")

// errTooLarge is the error of a schema beyond the bounds.
var errTooLarge = errors.New("the schema, with what it refers to, is longer than 1 MiB")

// unavailable is the error of a registry that does not answer as one does: nothing is known of the schema.
type unavailable struct{ advice phrase.Text }

func (u *unavailable) Error() string { return u.advice.String() }

// A registry asks a schema registry by Confluent's interface.
type registry struct {
	clients []*sr.Client
	first   atomic.Int32 // the client that answered last
}

func newRegistry(c Config) (*registry, error) {
	r := &registry{}
	transport := c.Transport
	if transport == nil {
		transport = &freshConnections{tls: c.TLS}
	}
	client := &http.Client{
		Timeout: requestTime, Transport: bounded{transport},
		// A redirect would take the login elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, address := range c.URLs {
		one, err := sr.NewClient(sr.URLs(address), sr.HTTPClient(client), sr.UserAgent("leadbridge"), sr.PreReq(c.authorize))
		if err != nil {
			return nil, fmt.Errorf("schema registry: %w", err)
		}
		r.clients = append(r.clients, one)
	}
	return r, nil
}

// freshConnections makes a connection for each request: there are few, and the files with authorities and certificate
// may have changed since the last one.
type freshConnections struct{ tls func() *tls.Config }

func (r *freshConnections) RoundTrip(req *http.Request) (*http.Response, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: requestTime,
		DialContext: (&net.Dialer{Timeout: requestTime}).DialContext,
	}
	if r.tls != nil {
		t.TLSClientConfig = r.tls()
	}
	return t.RoundTrip(req)
}

// authorize adds the login as it is now: a file with it may have changed.
func (c Config) authorize(req *http.Request) error {
	if c.Token != nil {
		token, err := c.Token()
		if err != nil {
			return &unavailable{advice: phrase.Verbatim(err.Error())}
		}
		req.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	if c.Username == "" {
		return nil
	}
	password := ""
	if c.Password != nil {
		var err error
		if password, err = c.Password(); err != nil {
			return &unavailable{advice: phrase.Verbatim(err.Error())}
		}
	}
	req.SetBasicAuth(c.Username, password)
	return nil
}

// bounded limits the length of answers.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

// boundedBody fails with errTooLarge behind the bytes that are left.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// A registered schema is one as the registry gives it.
type registered struct {
	Schema     string `json:"schema"`
	SchemaType string `json:"schemaType"` // missing: AVRO
	References []struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
		Version int    `json:"version"`
	} `json:"references"`
}

// fetch reads a schema with all that it refers to. Its error is *unavailable, errUnknown, or a fault of the schema.
func (r *registry) fetch(ctx context.Context, wanted ref) (source, error) {
	path := fmt.Sprintf("/schemas/ids/%d", wanted.id)
	if wanted.guid != "" {
		path = "/schemas/guids/" + wanted.guid
	}
	var s registered
	if err := r.get(ctx, path, &s); err != nil {
		return source{}, err
	}
	found := source{kind: kindOf(s.SchemaType), main: schemaText{text: s.Schema}}
	seen := map[string]bool{}
	err := r.follow(ctx, s, &found, seen)
	return found, err
}

// kindOf returns a schema's type, which registries leave out when it is Avro.
func kindOf(schemaType string) string { return cmp.Or(strings.ToUpper(schemaType), "AVRO") }

// follow adds to into what a schema refers to, the deepest first. seen holds the names of what is there already.
func (r *registry) follow(ctx context.Context, s registered, into *source, seen map[string]bool) error {
	if into.size() > maxSchema {
		return errTooLarge
	}
	for _, next := range s.References {
		if seen[next.Name] {
			continue
		}
		if seen[next.Name] = true; len(seen) > maxReferences {
			return fmt.Errorf("the schema refers to more than %d others", maxReferences)
		}
		var inner registered
		err := r.get(ctx, fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(next.Subject), next.Version), &inner)
		if errors.Is(err, errUnknown) {
			return fmt.Errorf("the schema refers to version %d of the subject %q, which the schema registry does not have", next.Version, next.Subject)
		}
		if err != nil {
			return err
		}
		if err := r.follow(ctx, inner, into, seen); err != nil {
			return err
		}
		into.references = append(into.references, schemaText{next.Name, inner.Schema})
	}
	if into.size() > maxSchema {
		return errTooLarge
	}
	return nil
}

// get asks the addresses in turn, beginning with the one that answered last, until one answers as a registry does.
func (r *registry) get(ctx context.Context, path string, into any) error {
	var err error
	first := int(r.first.Load())
	// A schema that was deleted softly is asked for, too: older records were written with it.
	ctx = sr.WithParams(ctx, sr.ShowDeleted)
	for i := range r.clients {
		at := (first + i) % len(r.clients)
		err = meaningOf(r.clients[at].Do(ctx, http.MethodGet, path, nil, into))
		if _, failed := errors.AsType[*unavailable](err); !failed {
			r.first.Store(int32(at))
			return err
		}
	}
	return err
}

// meaningOf returns what the outcome of a request means: nil, errUnknown, errTooLarge or *unavailable.
func meaningOf(err error) error {
	if err == nil || errors.Is(err, errTooLarge) {
		return err
	}
	if own, ok := errors.AsType[*unavailable](err); ok {
		return own
	}
	said, ok := errors.AsType[*sr.ResponseError](err)
	switch {
	case !ok:
		return &unavailable{advice: phrase.New("registry_unreachable", "the schema registry cannot be reached, or its answer is no registry's ({error}): look at it, and at SCHEMA_REGISTRY_URL", "error", causeOf(err))}
	case said.StatusCode == http.StatusNotFound && said.ErrorCode/100 == http.StatusNotFound:
		return errUnknown
	case said.StatusCode == http.StatusNotFound:
		return &unavailable{advice: phrase.New("no_registry_there", "nobody answers as a schema registry there (404): SCHEMA_REGISTRY_URL needs its whole path, such as https://registry.example.com/apis/ccompat/v7")}
	case said.StatusCode == http.StatusUnauthorized || said.StatusCode == http.StatusForbidden:
		return &unavailable{advice: phrase.New("registry_login", "the schema registry refuses the login ({status}): correct SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN", "status", strconv.Itoa(said.StatusCode))}
	}
	return &unavailable{advice: phrase.New("registry_fails", "the schema registry answers {status}: look at its log", "status", strconv.Itoa(said.StatusCode))}
}

// causeOf returns why there was no answer, without the registry's address.
func causeOf(err error) string {
	if at, ok := errors.AsType[*url.Error](err); ok {
		if at.Timeout() {
			return fmt.Sprintf("no answer within %s", requestTime)
		}
		return at.Err.Error()
	}
	return "it is not JSON"
}
