package webhook

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // some senders sign with it still; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// defaultTolerance is that of the reference libraries of Standard Webhooks.
const defaultTolerance = 5 * time.Minute

// What is looked at when the file names nothing else.
const (
	githubHeader = "X-Hub-Signature-256"
	tokenHeader  = "X-Webhook-Token" //nolint:gosec // the name of a header, no secret
	tokenQuery   = "token"
)

// verifications are the types of verify.
var verifications = []string{"standard-webhooks", "hmac", "token", "jwt", "none"}

// verifyEntry reads how a source is verified: as its preset says, changed by what the file says,
// or as the file alone says, when that names another type. The secrets may stand beside it.
func (r *fileReader) verifyEntry(n *yaml.Node, at places, e sourceEntry, preset *yaml.Node) *verified {
	v := &verified{node: n}
	own := e.Verify
	if own == preset {
		own = nil
	}
	kind := kindOf(own)
	if kind == nil {
		kind = kindOf(preset)
	}
	switch {
	case own == nil && preset == nil:
		r.fault(n, "does not say how it is verified", "write preset: and the sender's name, verify: {type: standard-webhooks | hmac | token | jwt, secrets_env: […]}, or verify: {type: none} when anybody may send")
		return nil
	case kind == nil:
		r.fault(own, "verify names no type", "write one of "+strings.Join(verifications, ", "))
		return nil
	case !slices.Contains(verifications, kind.Value):
		r.fault(kind, "the verification "+human.Quote(kind.Value)+" is not known", "write one of "+strings.Join(verifications, ", "))
		return nil
	}
	for _, one := range []*yaml.Node{preset, own} {
		if one != nil && (one == own || kindOf(one).Value == kind.Value) {
			v.node = one
			v.at = v.at.with(r.decode(one, "verify of type "+kind.Value, kind.Value, &v.verifyEntry))
		}
	}
	v.Type = kind.Value
	for name, list := range map[string][]string{"secrets_env": e.SecretsEnv, "secrets_files": e.SecretsFiles} {
		if at[name] == nil {
			continue
		}
		v.at = v.at.with(places{name: at[name]})
		if name == "secrets_env" {
			v.SecretsEnv = list
		} else {
			v.SecretsFiles = list
		}
	}
	v.Header = r.headerName(v.at["header"], v.Header)
	return v
}

// verified says how a source is verified, and where the file says so.
type verified struct {
	verifyEntry
	node *yaml.Node
	at   places
}

func kindOf(verify *yaml.Node) *yaml.Node {
	if verify == nil {
		return nil
	}
	return member(verify, "type")
}

// verifier returns the verifier and its secrets; nil when it has none.
func (r *fileReader) verifier(e verified) (verifier, *secrets) {
	switch e.Type {
	case "standard-webhooks":
		v := standard{secrets: r.secrets(e, standardSecret), tolerance: r.tolerance(e)}
		return v, v.secrets
	case "hmac":
		return r.hmac(e)
	case "token":
		return r.token(e)
	case "jwt":
		v := signedToken{secrets: r.secrets(e, keySet), header: e.Header, prefix: bearer(e), tolerance: r.tolerance(e)}
		return v, v.secrets
	}
	for _, name := range []string{"secrets_env", "secrets_files"} {
		if at := e.at[name]; at != nil {
			r.fault(at, "a source of type none has no secrets", "remove "+name+", or write another type")
		}
	}
	return anybody{}, nil
}

// tolerance returns how far from now the time of a signature may be.
func (r *fileReader) tolerance(e verified) time.Duration {
	if e.Tolerance > longTolerance {
		r.warn("tolerance is over an hour: a request that somebody caught can be sent again for so long; write 5m, and set the sender's clock")
	}
	return cmp.Or(e.Tolerance, defaultTolerance)
}

// bearer returns the text before a token in a header.
func bearer(e verified) string {
	if e.at["prefix"] == nil && strings.EqualFold(e.Header, "Authorization") {
		return "Bearer "
	}
	return string(e.Prefix)
}

func (r *fileReader) hmac(e verified) (verifier, *secrets) {
	v := signature{
		secrets: r.secrets(e, plainSecret), header: cmp.Or(e.Header, githubHeader), element: e.Element, prefix: string(e.Prefix),
		algorithm: algorithms[0], encoding: e.Encoding, signed: r.signed(e), tolerance: r.tolerance(e), url: strings.TrimSuffix(e.URL, "/"),
		sent: timestamp{header: r.headerName(e.at["timestamp"], e.Timestamp.Header), element: e.Timestamp.Element},
	}
	for _, a := range algorithms {
		if a.name == e.Algorithm {
			v.algorithm = a
		}
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "") {
		r.fault(e.at["url"], "url "+human.Quote(e.URL)+" is not an address", "write the gate's address as the sender knows it, without the path, such as https://gate.example.com")
	}
	return v, v.secrets
}

// signed reads the template of what is signed; by default the body.
func (r *fileReader) signed(e verified) template {
	t, err := parseTemplate(cmp.Or(string(e.Signed), "{body}"))
	timed := e.Timestamp != (timestampEntry{})
	switch at := e.at["signed"]; {
	case err != nil:
		r.fault(at, "signed "+err.Error(), "write a text with {"+strings.Join(partKinds, "}, {")+"} or {header:NAME} in it, such as {timestamp}.{body}")
	case !t.has("body"):
		r.fault(at, "signed has no {body}", "write {body} where the body stands: what is not signed may be invented")
	case t.has("timestamp") && !timed:
		r.fault(at, "signed has a {timestamp}, and timestamp does not say where it stands", "write timestamp: {header: NAME}, or {element: NAME} when it stands in a list beside the signature")
	case timed && !t.has("timestamp"):
		r.fault(e.at["timestamp"], "the timestamp is not signed", "write {timestamp} where it stands in signed:, or remove timestamp")
	}
	return t
}

// mayTake reports whether a source may take its events from requests of a method: where its sender signs, the signature
// must cover the address of a GET.
func mayTake(v verifier, method string) bool {
	switch v := v.(type) {
	case signature:
		return method != http.MethodGet || v.signed.has("url", "query")
	case standard, signedToken:
		return method != http.MethodGet
	}
	return true
}

// algorithms are those of signatures; the first is the usual one.
var algorithms = []algorithm{
	{"sha256", sha256.Size, sha256.New},
	{"sha512", sha512.Size, sha512.New},
	{"sha1", sha1.Size, sha1.New},
}

func (r *fileReader) token(e verified) (verifier, *secrets) {
	s := r.secrets(e, plainSecret)
	switch {
	case e.Field != "" && (e.Header != "" || len(e.Query) > 0):
		r.fault(e.at["field"], "field stands beside header or query", "write the one place where the sender puts the token")
	case e.Field != "":
		return bodyToken{secrets: s, field: strings.Split(e.Field, ".")}, s
	}
	v := token{secrets: s, header: e.Header, prefix: bearer(e), query: e.Query}
	if v.header == "" && len(v.query) == 0 {
		v.header, v.query = tokenHeader, []string{tokenQuery}
	}
	return v, s
}

// secrets reads the secrets of a source. A source without secrets admits nobody, which is a fault.
func (r *fileReader) secrets(e verified, decode func(string) ([]byte, error)) *secrets {
	s := r.secretsOf(e.at, e.SecretsEnv, e.SecretsFiles, decode)
	if e.at["secrets_env"] == nil && e.at["secrets_files"] == nil {
		r.fault(e.node, "verify names no secret", "write secrets_env: [NAME], or secrets_files: [FILE]; several while one is being replaced")
	}
	return s
}

func (r *fileReader) secretsOf(at places, env, files []string, decode func(string) ([]byte, error)) *secrets {
	s := &secrets{read: r.env.ReadFile, decode: decode}
	for _, name := range env {
		r.secretOfEnv(at["secrets_env"], s, name)
	}
	for _, name := range files {
		r.secretOfFile(at["secrets_files"], s, name)
	}
	return s
}

// weakSecret is a length in bytes: a shorter secret can be guessed.
const weakSecret = 16

// longTolerance is longer than clocks are wrong.
const longTolerance = time.Hour

// weak warns of a secret that can be guessed.
func (r *fileReader) weak(key []byte, what string) {
	if len(key) < weakSecret {
		r.warn(what + " is shorter than " + strconv.Itoa(weakSecret) + " bytes and can be guessed: make one by openssl rand -hex 16")
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *fileReader) secretOfEnv(n *yaml.Node, s *secrets, name string) {
	if !variableName.MatchString(name) || strings.HasPrefix(name, "whsec_") {
		// It is not repeated: it may be the secret itself.
		r.fault(n, "secrets_env holds something that is not the name of a variable", "name the variable that holds the secret, such as SITE_SECRET")
		return
	}
	text, ok := r.env.LookupEnv(name)
	if !ok || strings.TrimSpace(text) == "" {
		if r.env.SecretsMayLack {
			r.warn("the variable " + human.Quote(name) + " is not set: no request is proven by it")
			return
		}
		r.fault(n, "the variable "+human.Quote(name)+" is not set", "set it, or name another one: secrets never stand in this file")
		return
	}
	key, err := s.decode(strings.TrimSpace(text))
	if err != nil {
		r.fault(n, "the secret in "+name+" "+err.Error(), secretRemedy(err))
		return
	}
	s.fixed = append(s.fixed, key)
	r.weak(key, "the secret in "+name)
}

func (r *fileReader) secretOfFile(n *yaml.Node, s *secrets, name string) {
	key, err := s.readFile(name)
	switch {
	case err == nil:
	case r.env.SecretsMayLack:
		r.warn("the secret's file " + human.Quote(name) + " cannot be read: no request is proven by it")
		return
	case errors.Is(err, errEmpty), errors.Is(err, errNotBase64), errors.Is(err, errNoSecret), errors.Is(err, errNoKeys):
		r.fault(n, "the secret in "+human.Quote(name)+" "+err.Error(), secretRemedy(err))
		return
	case strings.Contains(name, "whsec_") || !strings.ContainsAny(name, `/\.`):
		// It is not repeated: it may be the secret itself.
		r.fault(n, "a file of secrets_files cannot be read ("+oneLine(err)+")", "name the file that holds the secret with its path, such as /run/secrets/site")
		return
	default:
		r.fault(n, "the secret's file "+human.Quote(name)+" cannot be read ("+oneLine(err)+")", "name a file that this user may read")
		return
	}
	s.filed = append(s.filed, filedSecret{file: name, key: key, goodAt: time.Now()})
	r.weak(key, "the secret in "+human.Quote(name))
}

func secretRemedy(err error) string {
	if errors.Is(err, errNotBase64) {
		return "copy it whole: whsec_ and Base64 behind it"
	}
	if errors.Is(err, errNoKeys) {
		return "write the sender's public keys: a JSON Web Key Set, or PEM"
	}
	return "write the secret alone, on one line"
}
