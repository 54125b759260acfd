package settings

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/probe"
)

// Probe are the settings of the measurement of a portal.
type Probe struct {
	Access `embed:"" group:"CRM:"`

	Rate         string `name:"rate" default:"4" placeholder:"COUNT" help:"Most requests a second, up to 10; services that run share the portal's limit."`
	NoUserFields bool   `name:"no-user-fields" help:"Make no user field for the measurement; for portals in which the key cannot delete it."`
}

// Parse reads all settings; its error is [Faults].
func (s Probe) Parse() (cfg probe.Config, warnings []string, err error) {
	var p parser
	cfg = probe.Config{BaseURL: p.baseURL(s.BaseURL), NoUserFields: s.NoUserFields}
	cfg.APIKey = p.value(s.Access.key(&p))
	cfg.Session = p.value(p.secret("CRM_SESSION_TOKEN", s.SessionToken, s.SessionTokenFile))
	cfg.Rate = p.number("--rate", s.Rate, "write a number above 0, up to 10")
	if len(p.faults) == 0 && (cfg.Rate <= 0 || cfg.Rate > 10) {
		p.fault("--rate", quote(s.Rate)+" is not within the portal's limit", "write a number above 0, up to 10")
	}
	return cfg, p.warnings, p.err()
}

// value returns the text of a secret that secret has returned.
func (p *parser) value(s crmclient.Secret) string {
	if s.File == "" {
		return s.Value
	}
	content, _ := os.ReadFile(s.File) // an error is recorded by secret as a fault
	return strings.TrimSpace(string(content))
}

// Portal is the setting of what leadbridge probe has measured of the portal.
type Portal struct {
	Profile string `name:"portal-profile" env:"PORTAL_PROFILE" placeholder:"FILE" help:"What leadbridge probe --output json has written: run and check warn where the portal and the settings do not fit, and CRM_ON_MATCH=fill learns what updates do. Default: none."`
}

// parse warns where the profile does not fit the settings, and tells the CRM client what updates do, which it has to know to
// fill cards.
func (s Portal) parse(p *parser, crm *crmclient.Config, now time.Time) {
	before := len(p.faults)
	profile, ok := p.profile("PORTAL_PROFILE", s.Profile)
	if crm.Match.Fill && len(p.faults) == before {
		crm.Patch = p.patches(profile, crm.BatchSize > 1)
	}
	if !ok {
		return
	}
	for kind, listed := range profile.Comments.Listed {
		if listed {
			crm.CommentsSeen = append(crm.CommentsSeen, kind)
		}
	}
	slices.Sort(crm.CommentsSeen)
	for _, w := range profile.Warnings(probe.Settings{Settle: crm.Settle, BatchSize: crm.BatchSize, PerMinute: crm.RequestsPerMinute,
		PerSecond: crm.RequestsPerSecond, OriginField: crm.OriginField}, now) {
		p.warn("%s", w)
	}
}

// patches returns what updates do to phones and e-mails, which CRM_ON_MATCH=fill has to know. Where several cards are filled
// by one request (inBatches), updates in batches must do the same as single ones.
func (p *parser) patches(profile probe.Profile, inBatches bool) crmclient.Patches {
	const measure = "run leadbridge probe --output json > portal.json and set PORTAL_PROFILE=portal.json, or set CRM_ON_MATCH=link"
	u := profile.Update
	batched := inBatches && profile.Batch.Offered
	patches := crmclient.Patches{Phones: patchOf(u.Phone), Emails: patchOf(u.Email)}
	switch {
	case profile.Format == 0:
		p.fault("CRM_ON_MATCH", "fill has to know what an update does to the phones and e-mails of a card, which only a measured profile of the portal tells", measure)
	case patches.Phones == "" || patches.Emails == "":
		p.fault("CRM_ON_MATCH", "fill has to know what an update does to the phones and e-mails of a card, and the profile does not tell it", "measure again (leadbridge probe --output json), or set CRM_ON_MATCH=link: this portal's cards cannot be filled safely")
	case u.Both != probe.BothShown && (patches.Phones == crmclient.PatchReplaces || patches.Emails == crmclient.PatchReplaces):
		p.fault("CRM_ON_MATCH", "updates replace phones and e-mails in this portal, and the profile does not say that reading a card shows all of them", "measure again by this version (leadbridge probe --output json), or set CRM_ON_MATCH=link: fill would lose what it does not see")
	case batched && u.InBatch.Phone == "" && (u.InBatch.Answer == probe.Answer{} || u.InBatch.Answer.OK()):
		p.fault("CRM_ON_MATCH", "cards are filled by batches, and the profile does not say what updates in batches do", "measure again by this version (leadbridge probe --output json), or set CRM_BATCH_SIZE=1 or CRM_ON_MATCH=link")
	case batched && u.InBatch.Answer.OK() && (u.InBatch.Phone != u.Phone || u.InBatch.Email != u.Email || u.InBatch.Both != u.Both):
		p.fault("CRM_ON_MATCH", "updates in batches do something else to phones and e-mails than single ones in this portal", "set CRM_BATCH_SIZE=1 or CRM_ON_MATCH=link")
	}
	return patches
}

// patchOf returns what an update does, by the profile's word for it; "" when that is not measured, or not usable.
func patchOf(word string) crmclient.Patch {
	switch patch := crmclient.Patch(word); patch {
	case crmclient.PatchAdds, crmclient.PatchReplaces:
		return patch
	}
	return ""
}

// profile reads a portal's profile. ok is false when none is given, or it cannot be used, which is recorded as a fault.
func (p *parser) profile(variable, file string) (profile probe.Profile, ok bool) {
	if strings.TrimSpace(file) == "" {
		return probe.Profile{}, false
	}
	content := p.file(variable, file)
	if content == nil {
		return probe.Profile{}, false
	}
	profile, err := probe.Parse(content)
	if err != nil {
		p.fault(variable, "cannot be used ("+strings.ReplaceAll(err.Error(), "\n", " ")+")", "run leadbridge probe --output json and name the file that it writes")
	}
	return profile, err == nil
}
