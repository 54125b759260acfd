package probe

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// proposal returns what settings should be on this portal, and why. Defaults are among them, so that a reader sees that
// they were measured.
func (p *Profile) proposal() []Setting {
	if !p.Complete {
		return nil
	}
	return []Setting{p.proposeField(), p.proposeSettle(), p.proposeBatch(), p.proposePerMinute(), p.proposePerSecond()}
}

func (p *Profile) proposeField() Setting {
	const name = "CRM_ORIGIN_FIELD"
	way, _ := p.BestWay(contacts)
	e := p.Entities[contacts]
	switch {
	case way == wayOriginID:
		return Setting{name, "auto", "originId is kept and found"}
	case way == wayUserField && e.UserField.Existing:
		return Setting{name, "auto", ourField + " is kept and found"}
	case way == wayUserField && e.Ways[wayOriginID].Offered:
		return Setting{name, ourField, "originId is listed, and is not found; run leadbridge check --fix with this setting's default first, to make the user field"}
	case way == wayUserField:
		return Setting{name, "auto", "a user field is kept and found: make leadbridge's own by leadbridge check --fix"}
	case way == wayTag:
		return Setting{name, "none", "only a tag in sourceDescription is kept and found: look-ups are slower"}
	}
	return Setting{name, "auto", "no way to find a record was seen to work: please send the profile, and deliver nothing yet"}
}

// proposeSettle proposes twice the longest time that a record took to be found, in whole seconds.
func (p *Profile) proposeSettle() Setting {
	const name = "CRM_SETTLE"
	lag := time.Duration(p.Lag()) * time.Millisecond
	if way, w := p.BestWay(contacts); way == "" || w.Lag.Missing > 0 {
		return Setting{name, "30s", "not all records were found within the time of the probe"}
	}
	seconds := max(settle.Seconds(), math.Ceil(2*lag.Seconds()))
	return Setting{name, fmt.Sprintf("%.0fs", seconds), fmt.Sprintf("records are found after %s at most", lag)}
}

func (p *Profile) proposeBatch() Setting {
	const name = "CRM_BATCH_SIZE"
	b := p.Batch
	switch {
	case !b.Offered:
		return Setting{name, "1", "the portal has no batch"}
	case b.Made == 0:
		return Setting{name, "1", "no create in a batch worked"}
	case b.Made < b.Items:
		return Setting{name, strconv.Itoa(max(1, b.Made/2)), fmt.Sprintf("%d of %d creates in a batch worked", b.Made, b.Items)}
	}
	return Setting{name, strconv.Itoa(batchSize), fmt.Sprintf("%d creates in one request take %d ms", b.Made, b.Took)}
}

func (p *Profile) proposePerMinute() Setting {
	const name = "CRM_REQUESTS_PER_MINUTE"
	if n := p.Limits.PerMinute; n > 0 {
		return Setting{name, strconv.Itoa(n), "told by the answers"}
	}
	return Setting{name, strconv.Itoa(documentedPerMinute), "documented; the answers do not tell"}
}

func (p *Profile) proposePerSecond() Setting {
	if n := p.Limits.PerSecond; n > 0 {
		return Setting{"CRM_REQUESTS_PER_SECOND", "auto", fmt.Sprintf("the portal tells %v", n)}
	}
	return Setting{"CRM_REQUESTS_PER_SECOND", "auto", "the portal does not tell: 10 are documented"}
}
