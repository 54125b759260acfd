//go:build integration

package integration

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// horizonOf reads from a commit's metadata until when its owner may send: the
// second number of the ledger.
func horizonOf(t *testing.T, c kadm.Offset) time.Time {
	t.Helper()
	code, ours := strings.CutPrefix(c.Metadata, "leadbridge/1 ")
	text, err := base64.RawURLEncoding.DecodeString(code)
	if !ours || err != nil {
		t.Fatalf("no ledger of leadbridge: %q", c.Metadata)
	}
	_, n := binary.Uvarint(text) // granted
	horizon, m := binary.Varint(text[max(n, 0):])
	if n <= 0 || m <= 0 {
		t.Fatalf("a damaged ledger: %q", c.Metadata)
	}
	return time.UnixMilli(horizon)
}
