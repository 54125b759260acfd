package settings

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Target are the settings of what an event becomes in the CRM.
type Target struct {
	Target         string `name:"crm-target" env:"CRM_TARGET" default:"contact" placeholder:"contact|lead|deal" help:"What an event becomes, unless it names another target itself: a contact; a lead; or a deal with its contact."`
	Comment        string `name:"crm-comment" env:"CRM_COMMENT" default:"off" placeholder:"off|on|both" help:"Where the message, the page and what else has no place of its own stands: off: in the field comments; on: in a comment on the card's timeline; both: in both."`
	LeadStatusID   string `name:"lead-status-id" env:"LEAD_STATUS_ID" placeholder:"ID" help:"Status of new leads. Default: the portal's own."`
	DealCategoryID string `name:"deal-category-id" env:"DEAL_CATEGORY_ID" placeholder:"NUMBER" help:"Pipeline of new deals; 0 is the portal's first. Default: the portal's own."`
	DealStageID    string `name:"deal-stage-id" env:"DEAL_STAGE_ID" placeholder:"ID" help:"Stage of new deals in that pipeline, such as NEW or C3:NEW. Default: the portal's own."`
}

func (t Target) parse(p *parser, out *crmclient.Config) {
	out.Target = t.target(p)
	out.Comment = t.comment(p)
	out.Card = crmclient.Card{StatusID: strings.TrimSpace(t.LeadStatusID), StageID: strings.TrimSpace(t.DealStageID)}
	if text := strings.TrimSpace(t.DealCategoryID); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			p.fault("DEAL_CATEGORY_ID", quote(text)+" is not a pipeline", "write its number in the portal, such as 0 or 3")
			return
		}
		out.Card.CategoryID = &n
	}
}

// comment reads CRM_COMMENT; "" stands for off. A YAML file on the way may have made true of on and false of off.
func (t Target) comment(p *parser) crmclient.CommentMode {
	mode := crmclient.CommentMode(strings.ToLower(strings.TrimSpace(t.Comment)))
	switch mode {
	case "true":
		mode = crmclient.CommentOn
	case "", "false", crmclient.CommentOff:
		return ""
	}
	if !slices.Contains(crmclient.CommentModes(), mode) {
		p.fault("CRM_COMMENT", quote(t.Comment)+" is not a place for comments", "write off, on or both")
	}
	return mode
}

// target reads CRM_TARGET; "" stands for a contact.
func (t Target) target(p *parser) crmclient.Target {
	target := crmclient.Target(strings.ToLower(strings.TrimSpace(t.Target)))
	if target == "" || target == crmclient.TargetContact {
		return ""
	}
	if !slices.Contains(crmclient.Targets(), target) {
		p.fault("CRM_TARGET", quote(t.Target)+" is not a target", "write contact, lead or deal")
	}
	return target
}
