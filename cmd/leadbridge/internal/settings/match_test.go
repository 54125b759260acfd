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
		if got := (Match{By: text, Many: "newest", Then: "link"}).match(&p); got != want || len(p.faults) > 0 {
			t.Errorf("%q: %+v, %v", text, got, p.faults)
		}
	}
	var p parser
	Match{By: "name", Many: "oldest", Then: "replace"}.match(&p)
	if len(p.faults) != 3 || p.faults[0].Variable != "CRM_MATCH_MANY" || p.faults[1].Variable != "CRM_ON_MATCH" || p.faults[2].Variable != "CRM_MATCH" {
		t.Errorf("%v", p.faults)
	}
	p = parser{}
	if got := (Match{By: "email", Many: "new", Then: "fill"}).match(&p); got != (crmclient.Match{Email: true, Fill: true}) || len(p.faults) > 0 {
		t.Errorf("%+v, %v", got, p.faults)
	}
	Match{By: "off", Many: "new", Then: "fill"}.match(&p)
	if len(p.faults) != 1 || p.faults[0].Variable != "CRM_ON_MATCH" {
		t.Errorf("fill without a match: %v", p.faults)
	}
}
