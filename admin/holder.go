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
	name  string // from the file, or oidcNames and the issuer's name; "" for whoever has ADMIN_TOKEN
	role  role
	token digest // zero for somebody who signed in by OpenID Connect
}

// hashPrefix begins each hash in the file and names its algorithm, which may change.
const hashPrefix = "sha256:"

// TokenHash returns the hash of a token for ADMIN_TOKENS_FILE. A plain hash is enough for a random token, as leadbridge
// ctl token makes it: nobody can guess such a token.
func TokenHash(token string) string {
	d := digestOf(token)
	return hashPrefix + hex.EncodeToString(d[:])
}

// CheckTokens checks the text of an ADMIN_TOKENS_FILE. Its error says what is wrong, and repeats no part of the text.
func CheckTokens(text []byte) error {
	_, err := parseHolders(text)
	return err
}

// errNoList is the error for a text that does not have the form of the file.
var errNoList = errors.New("is not YAML with a list tokens, each with name, role and hash")

// parseHolders reads the holders of tokens from the text of the file.
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

// maxHolderName is the longest name, in bytes. It is bounded because each line of the audit has it.
const maxHolderName = 64

// oidcNames begins the names of people who signed in by OpenID Connect. The issuer chooses the rest, which so cannot be
// taken for a name from the file, or for a holder without a name.
const oidcNames = "oidc:"

// isTaken reports whether a name stands for somebody else in the audit: for a person of OpenID Connect, or a holder
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
