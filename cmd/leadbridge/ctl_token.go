package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
)

type ctlTokenCommand struct {
	Name string `arg:"" help:"Whose token it is; the audit names it."`

	Role  string `enum:"look,reveal,act" required:"" placeholder:"look|reveal|act" help:"look: see all, with people masked; reveal: also see, search and export letters as they are; act: also replay, close, erase, pause, probe."`
	Stdin bool   `help:"Read the token from standard input instead of making one: at least 26 characters that were made at random."`
}

// Help shows how a file is made.
func (ctlTokenCommand) Help() string {
	return "The line goes to standard output, the token to standard error: it is shown this once, and cannot be had from the line. Example:" + "\n\n" +
		"    echo 'tokens:' >tokens.yaml\n" +
		"    leadbridge ctl token anna --role act >>tokens.yaml\n" +
		"    ADMIN_TOKENS_FILE=tokens.yaml ADMIN_ADDR=:8081 leadbridge run\n\n" +
		"The hash is SHA-256, as of: printf %s \"$TOKEN\" | sha256sum"
}

// minToken is how many characters a token must have, as many as rand.Text makes of 128 bits: a shorter one might be found
// from its hash.
const minToken = 26

// Run makes a token, or the hash of one.
func (c ctlTokenCommand) Run(p process) error {
	token := rand.Text()
	if c.Stdin {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, 4<<10)).ReadString('\n')
		if token = strings.TrimSpace(line); err != nil && err != io.EOF {
			return err
		}
		if len(token) < minToken {
			return settings.Faults{{Variable: "--stdin", Problem: fmt.Sprintf("the token is shorter than %d characters, and could be found from its hash", minToken), Remedy: "leave --stdin away: then a token is made"}}
		}
	}
	line, err := yaml.Marshal([]struct{ Name, Role, Hash string }{{c.Name, c.Role, admin.TokenHash(token)}})
	if err != nil {
		return err
	}
	if err := admin.CheckTokens(append([]byte("tokens:\n"), line...)); err != nil {
		return settings.Faults{{Variable: "<name>", Problem: err.Error(), Remedy: "give a shorter name of characters that can be printed"}}
	}
	if _, err := p.stdout.Write(line); err != nil || c.Stdin {
		return err
	}
	_, err = fmt.Fprintf(p.stderr, "The token of %s, which is shown only here: %s\n", clean(c.Name), token)
	return err
}
