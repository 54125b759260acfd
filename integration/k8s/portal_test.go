//go:build k8s

package k8s

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// portal is the simulated CRM in its pod.
type portal struct{ url string }

// callLimit bounds one request of the test.
const callLimit = 15 * time.Second

func (p portal) call(method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return text, err
}

// trouble is down and the keys that are revoked, besides what leads ask for.
func (p portal) trouble(down string, revoked []string) error {
	f := leads.Troubles()
	f.Down, f.Revoked = down, revoked
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = p.call(http.MethodPut, "/_sim/faults", text)
	return err
}

func (p portal) contacts() ([]crmtest.Contact, error) {
	text, err := p.call(http.MethodGet, "/_sim/contacts?all=1", nil)
	if err != nil {
		return nil, err
	}
	var told struct {
		Contacts []crmtest.Contact `json:"contacts"`
	}
	err = json.Unmarshal(text, &told)
	return told.Contacts, err
}
