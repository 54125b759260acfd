package settings

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// secret reads a secret that is given as a value or as a file. A fault
// never repeats the value.
func (p *parser) secret(variable, value, file string) crmclient.Secret {
	value = strings.TrimSpace(value)
	switch {
	case value != "" && file != "":
		p.fault(variable, "is given, and so is "+variable+"_FILE", "give only one of them")
	case file != "":
		p.secretFile(variable+"_FILE", file)
	case strings.ContainsFunc(value, isControl):
		p.fault(variable, "holds a line end or another control character", "write the value alone, on one line")
	}
	return crmclient.Secret{Value: value, File: file}
}

// secretFile records a fault unless a file holds a secret. The secret itself is read when it is needed.
func (p *parser) secretFile(variable, file string) {
	content := p.file(variable, file)
	text := strings.TrimSpace(string(content))
	switch {
	case content == nil:
	case text == "":
		p.fault(variable, "the file is empty", "write the secret into "+strconv.Quote(file))
	case strings.ContainsFunc(text, isControl):
		p.fault(variable, "the file holds several lines or control characters", "write the secret alone into "+strconv.Quote(file))
	}
}

// file reads a whole file; nil when it cannot be read.
func (p *parser) file(variable, name string) []byte {
	content, err := os.ReadFile(name)
	if err != nil {
		p.fault(variable, "cannot be read ("+reason(err)+")", "name a file that this user may read")
		return nil
	}
	return append([]byte{}, content...) // not nil, even when the file is empty
}

// reason returns why a file cannot be read, without its name.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
