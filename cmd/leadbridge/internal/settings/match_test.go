package settings

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

func TestMatchSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]crmclient.Match{
		"": {}, "off": {}, " Email ": {Email: true}, "phone": {Phone: true}, "email,phone": {Email: true, Phone: true}, "phone, e-mail": {Email: true, Phone: true},
	} {
		var p parser
		want.Many = crmclient.ManyNewest
		if got := (Match{By: text, Many: "newest"}).match(&p); got != want || len(p.faults) > 0 {
			t.Errorf("%q: %+v, %v", text, got, p.faults)
		}
	}
	var p parser
	Match{By: "name", Many: "oldest"}.match(&p)
	if len(p.faults) != 2 || p.faults[0].Variable != "CRM_MATCH_MANY" || p.faults[1].Variable != "CRM_MATCH" {
		t.Errorf("%v", p.faults)
	}
}
