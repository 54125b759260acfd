package settings

import (
	"os"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Lead are the settings of how an event becomes a contact.
type Lead struct {
	PhoneRegion string `name:"phone-region" env:"PHONE_REGION" default:"RU" placeholder:"CODE" help:"Country of phone numbers without a country code (ISO 3166, two letters)."`
	SourceID    string `name:"source-id" env:"SOURCE_ID" default:"WEB" placeholder:"ID" help:"The contact's source, when the event names none; an id of the portal's list of sources."`
	LeadTitle   string `name:"lead-title" env:"LEAD_TITLE" placeholder:"JQ" help:"Title of a lead: a jq program on .name .lastName .phone .email .form .comments .utmSource … and .event, the lead's own fields; a fixed text in quotation marks. Default: the name, else the e-mail or phone, and the form's name."`
	DealTitle   string `name:"deal-title" env:"DEAL_TITLE" placeholder:"JQ" help:"Title of a deal, in the same way."`
	MappingFile string `name:"mapping-file" env:"MAPPING_FILE" placeholder:"FILE|preset:NAME" help:"A jq program that maps incoming data to lead fields, or preset:NAME with calendly, calltouch, chatwoot, clerk, elementor, facebook-leads, gravity, hubspot, jotform, shopify, tally, typeform, webflow or wix. Default: none."`
}

// parse returns the transformer of the settings; nil after some faults.
func (l Lead) parse(p *parser, target crmclient.Target) *transform.Transformer {
	o := transform.Options{
		PhoneRegion: p.region(l.PhoneRegion),
		SourceID:    strings.TrimSpace(l.SourceID),
		Target:      target,
		LeadTitle:   p.title("LEAD_TITLE", l.LeadTitle),
		DealTitle:   p.title("DEAL_TITLE", l.DealTitle),
	}
	before := len(p.faults)
	o.Mapping = p.mapping(l.MappingFile)
	if len(p.faults) > before {
		return nil
	}
	t, err := transform.New(o)
	if err != nil && l.MappingFile != "" {
		// The error of transform already begins with the variable and ends with a remedy.
		problem := strings.TrimPrefix(err.Error(), "MAPPING_FILE: ")
		remedy := "correct the jq program, or name a preset as preset:NAME"
		if at := strings.LastIndex(problem, ": "); at > 0 {
			problem, remedy = problem[:at], problem[at+2:]
		}
		p.fault("MAPPING_FILE", problem, remedy)
	}
	return t
}

// title returns the program of a title, if it compiles; "" after a fault.
func (p *parser) title(variable, text string) string {
	if err := transform.CheckTitle(text); err != nil {
		p.fault(variable, err.Error(), `write a jq program that gives a text, such as .name + " (site)", and a fixed text in quotation marks`)
		return ""
	}
	return text
}

func (p *parser) region(text string) string {
	code := strings.ToUpper(strings.TrimSpace(text))
	if !phonenumbers.GetSupportedRegions()[code] {
		p.fault("PHONE_REGION", quote(text)+" is not a country", "write its two letters of ISO 3166, such as RU, KZ or DE")
		return "" // so that the mapping is still checked
	}
	return code
}

// mapping returns the program in the file of MAPPING_FILE, or the name of the preset.
func (p *parser) mapping(file string) string {
	file = strings.TrimSpace(file)
	if file == "" || strings.HasPrefix(file, "preset:") {
		return file
	}
	program, err := os.ReadFile(file)
	switch {
	case err != nil:
		p.fault("MAPPING_FILE", "cannot be read ("+reason(err)+")", "name a file that this user may read, or a preset as preset:NAME")
	case strings.TrimSpace(string(program)) == "":
		p.fault("MAPPING_FILE", "the file is empty", "write a jq program into it, or name a preset as preset:NAME")
	}
	return string(program)
}
