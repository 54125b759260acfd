package settings

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// like makes the simulator behave as the portal that a profile describes. What the profile leaves out stays as the other settings say.
func (c *SimConfig) like(p probe.Profile) {
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
	c.times(p)
	c.lookUps(contacts)
}

// times takes over how long the portal takes.
func (c *SimConfig) times(p probe.Profile) {
	if one := p.Calls["get"]; one.Samples > 0 {
		c.Options.ServiceTime = time.Duration(p.Calls["create contacts"].P50) * time.Millisecond
	}
	if p.Batch.Items > 0 {
		c.Options.ItemTime = time.Duration(p.Batch.PerItem) * time.Millisecond
	}
	if lag := p.Lag(); lag > c.Options.ServiceTime.Milliseconds()+askedAgain {
		c.Faults.LookupLag = crmtest.Duration(time.Duration(lag) * time.Millisecond)
	}
}

// askedAgain is how much later than the portal would answer a probe may find a record, in milliseconds: it asks a few times a second.
const askedAgain = 500

// lookUps takes over by what the portal finds nothing, or everything. An operator counts where its field works without it.
func (c *SimConfig) lookUps(contacts probe.Entity) {
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
