package settings

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

func TestTargetSettings(t *testing.T) {
	t.Parallel()
	var p parser
	var c crmclient.Config
	Target{Target: " Deal ", Comment: " ON ", DealCategoryID: "0", DealStageID: " NEW ", LeadStatusID: "JUNK"}.parse(&p, &c)
	if len(p.faults) > 0 || c.Target != crmclient.TargetDeal || c.Comment != crmclient.CommentOn || c.Card.CategoryID == nil || *c.Card.CategoryID != 0 || c.Card.StageID != "NEW" || c.Card.StatusID != "JUNK" {
		t.Errorf("%+v, %v", c, p.faults)
	}
	Target{Target: "company", Comment: "yes", DealCategoryID: "-1"}.parse(&p, &c)
	if len(p.faults) != 3 || p.faults[0].Variable != "CRM_TARGET" || p.faults[1].Variable != "CRM_COMMENT" || p.faults[2].Variable != "DEAL_CATEGORY_ID" {
		t.Errorf("%v", p.faults)
	}
}

// YAML reads on and off as true and false, which reach the setting where nobody quotes them.
func TestCommentSetting(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]crmclient.CommentMode{
		"": "", "off": "", "false": "", "on": crmclient.CommentOn, "True": crmclient.CommentOn, " both ": crmclient.CommentBoth,
	} {
		var p parser
		var c crmclient.Config
		Target{Comment: text}.parse(&p, &c)
		if len(p.faults) > 0 || c.Comment != want {
			t.Errorf("%q is %q, %v", text, c.Comment, p.faults)
		}
	}
}
