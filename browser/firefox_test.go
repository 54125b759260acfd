//go:build browser && firefox

package browser

import (
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/fox"
)

// TestFirefox does in Firefox what is done in each browser.
func TestFirefox(t *testing.T) {
	t.Parallel()
	b, err := fox.Start(t.Context())
	worksIn(t, b, err)
}
