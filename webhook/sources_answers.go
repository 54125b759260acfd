package webhook

import (
	"encoding/json"
	"mime"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// readAnswer reads what is answered to a webhook that was taken: a status alone, or an object of answerEntry.
func (r *fileReader) readAnswer(n *yaml.Node) answered {
	var e answerEntry
	at := places{"status": n}
	if n.Kind == yaml.MappingNode {
		e.Status = "200"
		at = r.decode(n, "answer", "", &e)
	} else {
		e.Status = r.oneOf(n, "answer", []string{"200", "202"})
	}
	a := answered{body: string(e.Body), contentType: e.ContentType}
	a.status, _ = strconv.Atoi(e.Status) // "200" or "202": another one is a fault
	if a.contentType == "" {
		a.contentType = typeOf(a.body)
	}
	if _, _, err := mime.ParseMediaType(a.contentType); err != nil {
		r.fault(at["content_type"], "content_type "+human.Quote(e.ContentType)+" is not a content type", "write one such as text/plain")
	}
	return a
}

// typeOf returns the content type of an answer whose source names none.
func typeOf(body string) string {
	if jsonInside([]byte(body)) && json.Valid([]byte(body)) {
		return mediaJSON
	}
	return mediaText + "; charset=utf-8"
}

// readConditions reads fields and their values, one or several each.
func (r *fileReader) readConditions(n *yaml.Node, what string) (list conditions) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fault(n, what+" names no fields", "write fields and their values, such as {test: true}; a name header:NAME is that of a header")
		return nil
	}
	for _, m := range members(n, 0) {
		one := condition{values: r.texts(m.value, what)}
		if header, ok := strings.CutPrefix(m.key.Value, headerField); ok {
			one.header = r.headerName(m.key, header)
		} else {
			one.field = strings.Split(m.key.Value, ".")
		}
		list = append(list, one)
	}
	return list
}

// readChallenge reads how a provider checks, once, that the address is ours.
func (r *fileReader) readChallenge(s *source, n *yaml.Node, e challengeEntry) *challenge {
	ch := &challenge{empty: e.Empty, answer: string(e.Answer), secrets: s.secrets}
	if e.Echo != "" {
		ch.echo = strings.Split(e.Echo, ".")
	}
	if e.Token != "" {
		ch.token = strings.Split(e.Token, ".")
	}
	if e.When != nil {
		ch.when = r.readConditions(e.When, "when")
	}
	if e.SecretsEnv != nil || e.SecretsFiles != nil {
		ch.secrets = r.readSecretLists(places{"secrets_env": n, "secrets_files": n}, e.SecretsEnv, e.SecretsFiles, plainSecret)
		s.challengeSecrets = ch.secrets
	}
	switch {
	case ch.when == nil && ch.echo == nil && !ch.empty:
		r.fault(n, "challenge does not say which requests ask", "write echo: FIELD, when: {FIELD: VALUE}, or empty: true")
	case ch.echo != nil && ch.answer != "":
		r.fault(n, "challenge has two answers", "write echo or answer")
	case ch.token != nil && ch.secrets == nil:
		r.fault(n, "challenge has a token and no secret", "write secrets_env: [NAME] beside it")
	case ch.token == nil && s.challengeSecrets != nil:
		r.fault(n, "challenge has secrets and no token", "write token: and the field that holds the secret, or remove the secrets")
	case ch.when != nil && ch.echo == nil && ch.answer == "":
		r.warn("the provider asks once for a text that is not given: write challenge: {answer: TEXT}, as its settings show it")
	}
	return ch
}
