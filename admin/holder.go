package admin

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// holder is somebody who may use the page.
type holder struct {
	name  string // of the file, or oidcNames and that of the issuer; "" with ADMIN_TOKEN, which has no name
	role  role
	token digest // zero: signed in by OpenID Connect
}

// hashPrefix begins a hash in the file: the way it was made may change.
const hashPrefix = "sha256:"

// TokenHash returns what ADMIN_TOKENS_FILE has of a token. A plain hash is enough for a token that was made at random, as by
// leadbridge ctl token: nobody finds it by trying.
func TokenHash(token string) string {
	d := digestOf(token)
	return hashPrefix + hex.EncodeToString(d[:])
}

// CheckTokens reads the text of an ADMIN_TOKENS_FILE. Its error says what is wrong, and repeats nothing of the text.
func CheckTokens(text []byte) error {
	_, err := parseHolders(text)
	return err
}

// errNoList is the error when the text is not of the right form.
var errNoList = errors.New("is not YAML with a list tokens, each with name, role and hash")

// parseHolders reads who has a token.
func parseHolders(text []byte) ([]holder, error) {
	var file struct {
		Tokens []struct{ Name, Role, Hash string }
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil || !errors.Is(d.Decode(new(yaml.Node)), io.EOF) || len(file.Tokens) == 0 {
		return nil, errNoList
	}
	all := make([]holder, 0, len(file.Tokens))
	for i, one := range file.Tokens {
		h, err := newHolder(one.Name, one.Role, one.Hash)
		for _, other := range all {
			if err == nil && (other.name == h.name || other.token == h.token) {
				err = errors.New("the name or the hash is that of an earlier one")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("is wrong at token %d: %w", i+1, err)
		}
		all = append(all, h)
	}
	return all, nil
}

// maxHolderName is the longest name, in bytes; it is in each line of the audit.
const maxHolderName = 64

// oidcNames begins the names of people who signed in by OpenID Connect: the issuer chooses what follows, and it is never taken for
// a name of the file, nor for whoever has none.
const oidcNames = "oidc:"

// isTaken reports whether a name would stand in the audit for somebody else: for somebody of OpenID Connect, or for a holder
// without a name.
func isTaken(name string) bool {
	name = strings.ToLower(name)
	return name == "bearer" || name == "open" || strings.HasPrefix(name, "session ") || strings.HasPrefix(name, oidcNames)
}

func isHolderName(name string) bool {
	return name != "" && len(name) <= maxHolderName && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

func newHolder(name, roleName, hash string) (h holder, err error) {
	if !isHolderName(name) {
		return h, fmt.Errorf("the name is missing, longer than %d bytes, or has characters that cannot be printed", maxHolderName)
	}
	if isTaken(name) {
		return h, errors.New("the name is bearer or open, or begins with \"session \" or \"oidc:\": these stand for others in the audit")
	}
	h.name = name
	if h.role, err = parseRole(roleName); err != nil {
		return h, err
	}
	code, found := strings.CutPrefix(hash, hashPrefix)
	sum, err := hex.DecodeString(code)
	if !found || err != nil || len(sum) != len(h.token) {
		return h, errors.New("the hash is not " + hashPrefix + " and 64 hexadecimal digits, as leadbridge ctl token makes it")
	}
	copy(h.token[:], sum)
	return h, nil
}
