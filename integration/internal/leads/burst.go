package leads

import (
	"fmt"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Burst is a kind of trouble that many leads make at once.
type Burst string

// Bursts.
const (
	RefusedBurst   Burst = "refused"   // the CRM refuses all of them, more than CRM_FLOOD_LIMIT in a row
	ForbiddenBurst Burst = "forbidden" // for a user that the key may not see
	PoisonBurst    Burst = "poison"    // the CRM fails over each of them, always
	OneKeyBurst    Burst = "one key"   // good ones of different people with one key, and one poison event
	BulkyBurst     Burst = "bulky"     // nearly as large as a record may be
	UselessBurst   Burst = "useless"   // without a contact point
	RepeatedBurst  Burst = "repeated"  // one event, sent again and again
	DealsBurst     Burst = "deals"     // the CRM refuses the deals of all of them, when their contacts exist; none by an Author without targets
)

// Burst returns the leads of a burst, in the order in which they are sent.
func (a *Author) Burst(b Burst) []Lead {
	switch b {
	case RefusedBurst:
		return a.several(250, refused, cloudEvent(MarkRefuse))
	case ForbiddenBurst:
		return a.several(12, refused, cloudEvent(MarkForbid))
	case DealsBurst:
		if len(a.options.Targets) == 0 {
			return nil
		}
		return a.several(120, refused, targeted(crmclient.TargetDeal, MarkRefuse))
	case PoisonBurst:
		return a.several(15, refused, cloudEvent(MarkPoison))
	case OneKeyBurst:
		all := append(a.several(1, refused, cloudEvent(MarkPoison)), a.several(60, AsTarget, webhook)...)
		for i := range all {
			all[i].Key, all[i].Partition = "form", 0
		}
		return all
	case BulkyBurst:
		filler := strings.Repeat("x", 900_000)
		all := a.several(10, noContact, text(fmt.Sprintf(`{"name":"Nobody","filler":%q}`, filler)))
		for i := range all {
			all[i].Partition, all[i].Key = all[0].Partition, ""
		}
		return all
	case UselessBurst:
		return a.several(150, noContact, text(`{"name":"Nobody"}`))
	case RepeatedBurst:
		one := a.several(1, AsTarget, webhook)[0]
		all := make([]Lead, 100)
		for i := range all {
			all[i] = one
		}
		return all
	}
	return nil
}

// several returns n new leads of one shape.
func (a *Author) several(n int, fate Fate, build func(*Lead)) []Lead {
	var all []Lead
	for range n {
		a.number++
		l := Lead{Number: a.number, Fate: fate}
		a.place(&l)
		build(&l)
		all = append(all, l)
	}
	return all
}
