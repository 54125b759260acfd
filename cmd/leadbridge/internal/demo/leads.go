package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// lead is one record to be produced, and what must become of it.
type lead struct {
	key     []byte
	value   []byte // nil: a tombstone
	headers []transform.Header
	fate    fate
	person  person   // who filled in the form
	points  []string // phone and e-mail as the CRM gets them; nil: not a plain lead, and only persons of plain leads come back
}

// fate lists what may become of an event: a contact, a dead letter for one of these reasons, or nothing.
type fate []string

const (
	asContact = "contact"
	asNothing = "nothing"
)

// Texts that make the simulated CRM fail or refuse a contact in which they stand.
const (
	markRefused  = "NO_SUCH_SOURCE"
	markBusiness = "PORTAL-RULE"
	markConflict = "TWIN-OF-ANOTHER"
	markPoison   = "POISON-PILL"
	markForbid   = "OTHER-DEPARTMENT"
)

// shape is a kind of lead.
type shape struct {
	weight int // how many of a hundred leads are of this shape; 0: one in a demo
	fate   fate
	make   func(p person) lead
}

// shapes are all kinds of leads; each is there at least once.
var shapes = []shape{
	{24, fate{asContact}, plain},
	{16, fate{asContact}, tilda},
	{10, fate{asContact}, contactForm},
	{10, fate{asContact}, typeform},
	{6, fate{asContact}, facebook},
	{8, fate{asContact}, structuredEvent},
	{6, fate{asContact}, binaryEvent},
	{4, fate{asContact}, manyPhones},
	{2, fate{asContact}, unusablePhone},
	{2, fate{string(transform.ReasonMalformed)}, text("name=Ivan&phone=89161234567")},
	{1, fate{string(transform.ReasonMalformed)}, text(`["a list", "is not a lead"]`)},
	{1, fate{string(transform.ReasonMalformed)}, text("")},
	{3, fate{string(transform.ReasonNoContactPoint)}, nameOnly},
	{1, fate{string(transform.ReasonMappingFailed)}, text(`{"form_response":{"answers":"gone"}}`)},
	{0, fate{string(transform.ReasonTooLarge)}, huge},
	{2, fate{string(crmclient.ReasonRefused)}, marked("sourceId", markRefused)},
	{1, fate{string(crmclient.ReasonRefused)}, marked("post", markConflict)},
	// These are tried several times. The letter has the reason of the last failure, which may be one of the portal's random ones.
	{1, fate{string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted)}, marked("post", markBusiness)},
	{0, fate{string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted)}, marked("post", markForbid)},
	{0, fate{string(crmclient.ReasonRetriesExhausted)}, marked("post", markPoison)},
	{1, fate{asNothing}, tombstone},
}

// repeatEvery is how many records there are for one that its sender sends a second time.
const repeatEvery = 25

// returnEvery is how many records there are, when persons come back, for one of a person who has filled in a form before.
const returnEvery = 8

// newLeads returns n records of all shapes. The same seed gives the same ones.
func newLeads(n int, seed uint64, personsReturn bool) []lead {
	r := rand.New(rand.NewPCG(seed, 0))
	wheel := make([]int, 0, 100)
	for i, s := range shapes {
		wheel = append(wheel, slices.Repeat([]int{i}, s.weight)...)
	}
	leads := make([]lead, 0, n)
	for i := range n {
		if i%repeatEvery == repeatEvery-1 && i > len(shapes) {
			leads = append(leads, repeated(r, leads))
			continue
		}
		if personsReturn && i%returnEvery == 0 && i > len(shapes) {
			leads = append(leads, returning(r, leads, i))
			continue
		}
		s := shapes[wheel[r.IntN(len(wheel))]]
		if i < len(shapes) {
			s = shapes[i]
		}
		p := newPerson(r, i)
		l := s.make(p)
		l.fate, l.person = s.fate, p
		leads = append(leads, l)
	}
	// The first hundred leads, which include one of each shape, stay in front: the rare shapes take the longest to be decided.
	// A repeated lead may be sent before the one that it repeats, which makes no difference: the two are equal.
	shuffle(r, leads[:min(len(leads), 100)])
	shuffle(r, leads[min(len(leads), 100):])
	return leads
}

// straggler returns a good lead that is sent after the others.
func straggler(r *rand.Rand, n int) lead {
	l := plain(newPerson(r, n))
	l.fate = fate{asContact}
	return l
}

// returning returns a new lead of a person who has another one. The new lead may be sent before the other one.
func returning(r *rand.Rand, leads []lead, n int) lead {
	known := slices.DeleteFunc(slices.Clone(leads), func(l lead) bool { return l.points == nil })
	p := known[r.IntN(len(known))].person
	l := plain(p)
	l.headers = header("webhook-id", fmt.Sprintf("msg_%06d", n))
	l.fate, l.person = fate{asContact}, p
	return l
}

// comeBack returns how many leads are of persons who have sent another one.
func comeBack(leads []lead) (n int) {
	persons, ids := map[int]bool{}, map[string]bool{}
	for _, l := range leads {
		if l.points == nil || ids[l.id()] {
			continue
		}
		ids[l.id()] = true
		if persons[l.person.n] {
			n++
		}
		persons[l.person.n] = true
	}
	return n
}

func shuffle(r *rand.Rand, leads []lead) {
	r.Shuffle(len(leads), func(i, j int) { leads[i], leads[j] = leads[j], leads[i] })
}

// repeated returns one of the leads that have an id, to be sent a second time: its sender does not know whether it arrived.
func repeated(r *rand.Rand, leads []lead) lead {
	named := slices.DeleteFunc(slices.Clone(leads), func(l lead) bool { return l.id() == "" })
	return named[r.IntN(len(named))]
}

// outcomes returns how many contacts and dead letters leads must become.
func outcomes(leads []lead) (n int) {
	seen := map[string]bool{}
	for _, l := range leads {
		id := l.id()
		if l.value == nil || seen[id] {
			continue
		}
		n++
		if id != "" {
			seen[id] = true
		}
	}
	return n
}

// id returns the id that the sender gives the event in the header webhook-id; "" if it gives none there.
func (l lead) id() string {
	for _, h := range l.headers {
		if h.Key == "webhook-id" {
			return string(h.Value)
		}
	}
	return ""
}
