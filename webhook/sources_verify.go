package webhook

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // some senders sign with it still; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"errors"
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

// Where signatures and tokens are looked for when the file does not say it.
const (
	githubHeader = "X-Hub-Signature-256"
	tokenHeader  = "X-Webhook-Token" //nolint:gosec // the name of a header, no secret
	tokenQuery   = "token"
)

// verifications are the types of verify.
var verifications = []string{"standard-webhooks", "hmac", "token", "jwt", "none"}

// verifyEntry reads how a source is verified: as its preset says, with the fields that the file says otherwise, or, when
// the file names another type, as the file alone says. The fields of the secrets may also stand beside verify. It
// returns nil when there is a fault in what it is about.
func (r *fileReader) verifyEntry(n *yaml.Node, at places, e sourceEntry, preset *yaml.Node) *verified {
	v := &verified{node: n}
	own := e.Verify
	if own == preset { // the file has no verify: e was filled from the preset first
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
	if n := at["secrets_env"]; n != nil {
		v.SecretsEnv, v.at = e.SecretsEnv, v.at.with(places{"secrets_env": n})
	}
	if n := at["secrets_files"]; n != nil {
		v.SecretsFiles, v.at = e.SecretsFiles, v.at.with(places{"secrets_files": n})
	}
	v.Header = r.headerName(v.at["header"], v.Header)
	return v
}

// verified is a verifyEntry with the places in the file where it stands, for faults.
type verified struct {
	verifyEntry
	node *yaml.Node // the whole verify, or the source without one
	at   places     // its fields
}

// kindOf returns the node of verify's type; nil: there is none.
func kindOf(verify *yaml.Node) *yaml.Node {
	if verify == nil {
		return nil
	}
	return member(verify, "type")
}

// readVerifier returns the verifier and its secrets, which are nil when it has none.
func (r *fileReader) readVerifier(e verified) (verifier, *secrets) {
	switch e.Type {
	case "standard-webhooks":
		v := standard{secrets: r.readSecrets(e, standardSecret), tolerance: r.tolerance(e)}
		return v, v.secrets
	case "hmac":
		return r.readHMAC(e)
	case "token":
		return r.readToken(e)
	case "jwt":
		v := signedToken{secrets: r.readSecrets(e, keySet), header: e.Header, prefix: tokenPrefix(e), tolerance: r.tolerance(e)}
		return v, v.secrets
	}
	for _, name := range []string{"secrets_env", "secrets_files"} {
		if at := e.at[name]; at != nil {
			r.fault(at, "a source of type none has no secrets", "remove "+name+", or write another type")
		}
	}
	return anybody{}, nil
}

// longTolerance is the longest tolerance without a warning: clocks are not wrong by more.
const longTolerance = time.Hour

// tolerance returns how far from now the time of a signature may be.
func (r *fileReader) tolerance(e verified) time.Duration {
	if e.Tolerance > longTolerance {
		r.warn("tolerance is over an hour: a request that somebody caught can be sent again for so long; write 5m, and set the sender's clock")
	}
	return cmp.Or(e.Tolerance, defaultTolerance)
}

// tokenPrefix returns the text before a token in a header.
func tokenPrefix(e verified) string {
	if e.at["prefix"] == nil && strings.EqualFold(e.Header, "Authorization") {
		return "Bearer "
	}
	return string(e.Prefix)
}

func (r *fileReader) readHMAC(e verified) (verifier, *secrets) {
	v := signature{
		secrets: r.readSecrets(e, plainSecret), header: cmp.Or(e.Header, githubHeader), element: e.Element, prefix: string(e.Prefix),
		algorithm: algorithms[0], encoding: e.Encoding, signed: r.readSigned(e), tolerance: r.tolerance(e), url: strings.TrimSuffix(e.URL, "/"),
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

// readSigned reads the template of what is signed; by default the body.
func (r *fileReader) readSigned(e verified) template {
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

// mayReadQuery reports whether a source may take its events from the query of an address: where its sender signs, the
// signature must cover the query.
func mayReadQuery(v verifier) bool {
	switch v := v.(type) {
	case signature:
		return v.signed.has("url", "query")
	case standard, signedToken:
		return false
	}
	return true
}

// algorithms are those of signatures; the first is the usual one.
var algorithms = []algorithm{
	{"sha256", sha256.Size, sha256.New},
	{"sha512", sha512.Size, sha512.New},
	{"sha1", sha1.Size, sha1.New},
}

func (r *fileReader) readToken(e verified) (verifier, *secrets) {
	s := r.readSecrets(e, plainSecret)
	switch {
	case e.Field != "" && (e.Header != "" || len(e.Query) > 0):
		r.fault(e.at["field"], "field stands beside header or query", "write the one place where the sender puts the token")
	case e.Field != "":
		return bodyToken{secrets: s, field: strings.Split(e.Field, ".")}, s
	}
	v := token{secrets: s, header: e.Header, prefix: tokenPrefix(e), query: e.Query}
	if v.header == "" && len(v.query) == 0 {
		v.header, v.query = tokenHeader, []string{tokenQuery}
	}
	return v, s
}

// readSecrets reads the secrets by which a source is verified. Without any it would admit nobody: that is a fault.
func (r *fileReader) readSecrets(e verified, decode func(string) ([]byte, error)) *secrets {
	s := r.readSecretLists(e.at, e.SecretsEnv, e.SecretsFiles, decode)
	if e.at["secrets_env"] == nil && e.at["secrets_files"] == nil {
		r.fault(e.node, "verify names no secret", "write secrets_env: [NAME], or secrets_files: [FILE]; several while one is being replaced")
	}
	return s
}

// readSecretLists reads the secrets in variables and files.
func (r *fileReader) readSecretLists(at places, env, files []string, decode func(string) ([]byte, error)) *secrets {
	s := &secrets{read: r.env.ReadFile, decode: decode}
	for _, name := range env {
		r.readSecretOfEnv(at["secrets_env"], s, name)
	}
	for _, name := range files {
		r.readSecretOfFile(at["secrets_files"], s, name)
	}
	return s
}

// minSecret is a length in bytes: a shorter secret can be guessed.
const minSecret = 16

// warnWhenWeak warns of a secret that can be guessed.
func (r *fileReader) warnWhenWeak(key []byte, what string) {
	if len(key) < minSecret {
		r.warn(what + " is shorter than " + strconv.Itoa(minSecret) + " bytes and can be guessed: make one by openssl rand -hex 16")
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *fileReader) readSecretOfEnv(n *yaml.Node, s *secrets, name string) {
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
	r.warnWhenWeak(key, "the secret in "+name)
}

func (r *fileReader) readSecretOfFile(n *yaml.Node, s *secrets, name string) {
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
	r.warnWhenWeak(key, "the secret in "+human.Quote(name))
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
