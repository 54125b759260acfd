package kafkaauth

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// TokenFile is the name of a file with a token that another program renews there, such as a projected
// service-account token of Kubernetes. The file is read at each login.
type TokenFile string

// Token implements [TokenSource].
func (f TokenFile) Token(context.Context) (Token, error) {
	text, err := readSecret(string(f), "KAFKA_OAUTH_TOKEN_FILE")
	if err != nil {
		return Token{}, err
	}
	return Token{Value: text, Expires: expiry(text)}, nil
}

// readSecret returns the secret in a file. setting names the file in the error, a [*Problem].
func readSecret(file, setting string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		why := err
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			why = path.Err
		}
		return "", &Problem{What: "the file of " + setting + " cannot be read (" + why.Error() + ")", Remedy: "see that it is there and that this user may read it", Err: err}
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", &Problem{What: "the file of " + setting + " is empty", Remedy: "look at the program that writes it"}
	}
	return text, nil
}
