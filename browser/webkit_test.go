//go:build browser && webkit

package browser

import (
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/webkit"
)

// TestWebKit does in WebKit what is done in each browser.
func TestWebKit(t *testing.T) {
	t.Parallel()
	b, err := webkit.Start(t.Context())
	worksIn(t, b, err)
}
