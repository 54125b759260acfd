package webhook

import (
	"crypto/sha1" //nolint:gosec // some senders sign with it still; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// defaultTolerance is what the reference libraries of Standard Webhooks allow.
const defaultTolerance = 5 * time.Minute

// What is looked at when the file names nothing else.
const (
	githubHeader = "X-Hub-Signature-256"
	tokenHeader  = "X-Webhook-Token" //nolint:gosec // the name of a header, no secret
	tokenQuery   = "token"
)

// verifier reads how a source is verified.
func (r *fileReader) verifier(n *yaml.Node) verifier {
	kind := member(n, "type")
	if kind == nil {
		r.fault(n, "verify names no type", "write one of standard-webhooks, hmac, token, none")
		return nil
	}
	switch kind.Value {
	case "standard-webhooks":
		return r.standard(n)
	case "hmac":
		return r.hmac(n)
	case "token":
		return r.token(n)
	case "none":
		r.object(n, "verify of type none", fields{"type": skip})
		return anybody{}
	}
	r.fault(kind, "the verification "+quote(kind.Value)+" is not known", "write one of standard-webhooks, hmac, token, none")
	return nil
}

func skip(*yaml.Node) {}

func (r *fileReader) standard(n *yaml.Node) verifier {
	v := standard{secrets: r.newSecrets(standardSecret), tolerance: defaultTolerance}
	r.object(n, "verify of type standard-webhooks", r.secretFields(v.secrets, fields{
		"tolerance": func(n *yaml.Node) { v.tolerance = r.duration(n, "tolerance") },
	}))
	r.needSecret(n)
	return v
}

func (r *fileReader) hmac(n *yaml.Node) verifier {
	v := signature{secrets: r.newSecrets(plainSecret), header: githubHeader, algorithm: algorithms[0]}
	r.object(n, "verify of type hmac", r.secretFields(v.secrets, fields{
		"header":    func(n *yaml.Node) { v.header = r.headerName(n) },
		"prefix":    func(n *yaml.Node) { v.prefix = n.Value },
		"algorithm": func(n *yaml.Node) { v.algorithm = r.algorithm(n) },
		"encoding":  func(n *yaml.Node) { v.encoding = r.choice(n, "encoding", "hex", "base64") },
	}))
	r.needSecret(n)
	return v
}

// algorithms are those of signatures; the first is the usual one.
var algorithms = []algorithm{
	{"sha256", sha256.Size, sha256.New},
	{"sha512", sha512.Size, sha512.New},
	{"sha1", sha1.Size, sha1.New},
}

func (r *fileReader) algorithm(n *yaml.Node) algorithm {
	name := r.choice(n, "algorithm", "sha256", "sha512", "sha1")
	for _, a := range algorithms {
		if a.name == name {
			return a
		}
	}
	return algorithms[0]
}

func (r *fileReader) token(n *yaml.Node) verifier {
	v := token{secrets: r.newSecrets(plainSecret)}
	prefixed := false
	r.object(n, "verify of type token", r.secretFields(v.secrets, fields{
		"header": func(n *yaml.Node) { v.header = r.headerName(n) },
		"prefix": func(n *yaml.Node) { v.prefix, prefixed = n.Value, true },
		"query":  func(n *yaml.Node) { v.query = r.text(n, "query") },
	}))
	if v.header == "" && v.query == "" {
		v.header, v.query = tokenHeader, tokenQuery
	}
	if !prefixed && strings.EqualFold(v.header, "Authorization") {
		v.prefix = "Bearer "
	}
	r.needSecret(n)
	return v
}

func (r *fileReader) newSecrets(decode func(string) ([]byte, error)) *secrets {
	return &secrets{read: r.env.ReadFile, decode: decode}
}

// secretFields adds the fields that all ways with secrets have.
func (r *fileReader) secretFields(s *secrets, more fields) fields {
	more["type"] = skip
	more["secrets_env"] = func(n *yaml.Node) {
		for _, name := range r.texts(n, "secrets_env") {
			r.secretOfEnv(n, s, name)
		}
	}
	more["secrets_files"] = func(n *yaml.Node) {
		for _, name := range r.texts(n, "secrets_files") {
			r.secretOfFile(n, s, name)
		}
	}
	return more
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *fileReader) secretOfEnv(n *yaml.Node, s *secrets, name string) {
	if !variableName.MatchString(name) || strings.HasPrefix(name, "whsec_") {
		// It is not repeated: it may be the secret itself.
		r.fault(n, "secrets_env holds what is no variable's name", "name the variable that holds the secret, such as SITE_SECRET")
		return
	}
	text, ok := r.env.LookupEnv(name)
	if !ok || strings.TrimSpace(text) == "" {
		r.fault(n, "the variable "+quote(name)+" is not set", "set it, or name another one: secrets never stand in this file")
		return
	}
	key, err := s.decode(strings.TrimSpace(text))
	if err != nil {
		r.fault(n, "the secret in "+name+" "+err.Error(), secretRemedy(err))
		return
	}
	s.fixed = append(s.fixed, key)
}

func (r *fileReader) secretOfFile(n *yaml.Node, s *secrets, name string) {
	text, err := r.env.ReadFile(name)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		r.fault(n, "the secret's file "+quote(name)+" cannot be read ("+oneLine(err)+")", "name a file that this user may read")
		return
	}
	key, err := s.decode(strings.TrimSpace(string(text)))
	if err != nil {
		r.fault(n, "the secret in "+quote(name)+" "+err.Error(), secretRemedy(err))
		return
	}
	s.files, s.filed = append(s.files, name), append(s.filed, key)
}

func secretRemedy(err error) string {
	if errors.Is(err, errNotBase64) {
		return "copy it whole: whsec_ and Base64 behind it"
	}
	return "write the secret alone, on one line"
}

// needSecret is a fault for a way that lets nobody in.
func (r *fileReader) needSecret(n *yaml.Node) {
	if member(n, "secrets_env") != nil || member(n, "secrets_files") != nil {
		return // what is wrong with them is told already
	}
	r.fault(n, "verify names no secret", "write secrets_env: [NAME], or secrets_files: [FILE]; several while one is being replaced")
}
