package settings

import (
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Match are the settings of how events are given to contacts that exist already.
type Match struct {
	By   string `name:"crm-match" env:"CRM_MATCH" default:"off" placeholder:"off|email|phone|email,phone" help:"By what a contact of the same person is looked for before one is made; the event is given to it. It takes up to half of the throughput."`
	Many string `name:"crm-match-many" env:"CRM_MATCH_MANY" default:"new" placeholder:"new|newest|letter" help:"What happens when several contacts agree: a new one that names them; the one made last; or a dead letter."`
	Then string `name:"crm-on-match" env:"CRM_ON_MATCH" default:"link" placeholder:"link|fill" help:"What happens to the card of the contact that is found: link leaves it as it is; fill adds what it lacks, and needs PORTAL_PROFILE."`
}

// Values of CRM_ON_MATCH.
const (
	onMatchLink = "link"
	onMatchFill = "fill"
)

func (m Match) parse(p *parser, out *crmclient.Config) { out.Match = m.match(p) }

// match reads the settings; the zero Match: nobody is looked for.
func (m Match) match(p *parser) crmclient.Match {
	var out crmclient.Match
	if many := crmclient.ManyMatches(p.choice("CRM_MATCH_MANY", m.Many, string(crmclient.ManyNew), string(crmclient.ManyNewest), string(crmclient.ManyLetter))); many != crmclient.ManyNew {
		out.Many = many // "" stands for the default
	}
	out.Fill = p.choice("CRM_ON_MATCH", m.Then, onMatchLink, onMatchFill) == onMatchFill
	for word := range strings.FieldsFuncSeq(strings.ToLower(m.By), func(r rune) bool { return r == ',' || r == ' ' }) {
		switch word {
		case "off":
		case "email", "e-mail":
			out.Email = true
		case "phone":
			out.Phone = true
		default:
			p.fault("CRM_MATCH", quote(m.By)+" is not a way to find a person", "write off, email, phone, or email,phone")
			return crmclient.Match{}
		}
	}
	if out.Fill && !out.On() {
		p.fault("CRM_ON_MATCH", "fill has no effect without CRM_MATCH", "set CRM_MATCH to email, phone or email,phone, or CRM_ON_MATCH=link")
	}
	return out
}
