package settings

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// imitate makes the simulator behave as the portal that a profile describes. What the profile leaves out stays as the other
// settings say.
func (c *SimConfig) imitate(p probe.Profile) {
	contacts := p.Entities[crmtest.Contacts]
	o := &c.Options
	o.NativeOriginID = contacts.Ways["originId"].Offered
	o.NativeUTM = slices.Contains(contacts.Names, "utmSource")
	o.ExistingUserField = contacts.UserField.Existing
	if made := contacts.UserField.Make; made != (probe.Answer{}) {
		o.UserFields, o.NoUserFields = made.OK(), made.Status == 404
		o.KeptUserFields = made.OK() && !contacts.UserField.Delete.OK()
	}
	o.NoBatch = p.Batch.Answer != (probe.Answer{}) && !p.Batch.Offered
	o.PatchAdds = p.Update.Phone == "adds"
	o.NormalisedPhones = p.Phones == "normalised"
	o.IgnoredZones = p.Zone.Filters == "not honoured"
	o.PerMinute = cmp.Or(p.Limits.PerMinute, o.PerMinute)
	o.PerSecond = cmp.Or(int(p.Limits.PerSecond), o.PerSecond)
	if zone, err := time.Parse("-07:00", p.Zone.Answers); err == nil {
		o.Zone = zone.Location()
	}
	c.imitateTimes(p)
	c.imitateLookUps(contacts)
}

// imitateTimes sets how long requests take, and after which time look-ups find a new record.
func (c *SimConfig) imitateTimes(p probe.Profile) {
	if one := p.Calls["get"]; one.Samples > 0 {
		c.Options.ServiceTime = time.Duration(p.Calls["create contacts"].P50) * time.Millisecond
	}
	if p.Batch.Items > 0 {
		c.Options.ItemTime = time.Duration(p.Batch.PerItem) * time.Millisecond
	}
	if lag := p.Lag(); lag > c.Options.ServiceTime.Milliseconds()+pollError {
		c.Faults.LookupLag = crmtest.Duration(time.Duration(lag) * time.Millisecond)
	}
}

// pollError is how much longer than the true one a measured lag may be, in milliseconds: a probe asks a few times a second.
const pollError = 500

// imitateLookUps sets which filters the portal ignores, and by which ones it finds nothing. The profile's word on an operator
// counts only if the field is found without it.
func (c *SimConfig) imitateLookUps(contacts probe.Entity) {
	note := func(name string, l probe.Lookup) {
		switch l.Match {
		case probe.Ignored:
			c.Options.IgnoredFilters = append(c.Options.IgnoredFilters, name)
		case probe.Missed:
			c.Faults.Blind = append(c.Faults.Blind, name)
		}
	}
	f := contacts.Filters
	for _, field := range []string{"name", "phone", "email", "sourceDescription"} {
		note(field, f[field])
	}
	note("createdTime", f["createdTime:$gte"])
	note("originId", contacts.Ways["originId"].Found)
	note(crmtest.OriginUserField, contacts.Ways["userField"].Found)
	for _, operator := range []struct{ field, name string }{{"sourceDescription", "$contains"}, {"email", "$in"}} {
		if f[operator.field].Match == probe.Found {
			note(operator.name, f[operator.field+":"+operator.name])
		}
	}
}
