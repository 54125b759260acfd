package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// lead is one record to be produced, and what must become of it.
type lead struct {
	key     []byte
	value   []byte // nil: a tombstone
	headers []transform.Header
	fate    fate
}

// fate is what must become of an event: one of these reasons as a dead letter,
// or a contact, or nothing at all.
type fate []string

const (
	asContact = "contact"
	asNothing = "nothing"
)

// What the simulated CRM makes trouble over when it stands in a contact.
const (
	markRefused  = "NO_SUCH_TYPE"
	markBusiness = "PORTAL-RULE"
	markConflict = "TWIN-OF-ANOTHER"
	markPoison   = "POISON-PILL"
	markForbid   = "OTHER-DEPARTMENT"
)

// shape is a kind of lead, how many of a hundred are such, and how one is made.
type shape struct {
	weight int
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
	{1, fate{string(transform.ReasonMalformed)}, text(`["a list", "is no lead"]`)},
	{1, fate{string(transform.ReasonMalformed)}, text("")},
	{3, fate{string(transform.ReasonNoContactPoint)}, nameOnly},
	{1, fate{string(transform.ReasonMappingFailed)}, text(`{"form_response":{"answers":"gone"}}`)},
	{0, fate{string(transform.ReasonTooLarge)}, huge},
	{2, fate{string(crmclient.ReasonRefused)}, marked("typeId", markRefused)},
	{1, fate{string(crmclient.ReasonRefused)}, marked("post", markConflict)},
	// These are tried several times, and the last failure, which may be another one, gives the reason.
	{1, fate{string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted)}, marked("post", markBusiness)},
	{0, fate{string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted)}, marked("post", markForbid)},
	{0, fate{string(crmclient.ReasonRetriesExhausted)}, marked("post", markPoison)},
	{1, fate{asNothing}, tombstone},
}

// repeatEvery is how many records make one that the sender sends twice.
const repeatEvery = 25

// newLeads makes n records of every shape; the same seed makes the same ones.
func newLeads(n int, seed uint64) []lead {
	r := rand.New(rand.NewPCG(seed, 0))
	wheel := make([]int, 0, 100)
	for i, s := range shapes {
		wheel = append(wheel, slices.Repeat([]int{i}, s.weight)...)
	}
	leads := make([]lead, 0, n)
	for i := range n {
		if i%repeatEvery == repeatEvery-1 && i > len(shapes) {
			leads = append(leads, again(r, leads))
			continue
		}
		s := shapes[wheel[r.IntN(len(wheel))]]
		if i < len(shapes) {
			s = shapes[i]
		}
		l := s.make(newPerson(r, i))
		l.fate = s.fate
		leads = append(leads, l)
	}
	// The rare ones, which take the longest, come among the first hundred; a repeat
	// that overtakes its first is a repeat still.
	shuffle(r, leads[:min(len(leads), 100)])
	shuffle(r, leads[min(len(leads), 100):])
	return leads
}

func shuffle(r *rand.Rand, leads []lead) {
	r.Shuffle(len(leads), func(i, j int) { leads[i], leads[j] = leads[j], leads[i] })
}

// again is a lead that its sender, not sure that it arrived, sends once more.
func again(r *rand.Rand, leads []lead) lead {
	named := slices.DeleteFunc(slices.Clone(leads), func(l lead) bool { return !l.named() })
	return named[r.IntN(len(named))]
}

// outcomes counts the contacts and dead letters that leads must become.
func outcomes(leads []lead) (n int) {
	seen := map[string]bool{}
	for _, l := range leads {
		id := ""
		if l.named() {
			id = string(l.headers[0].Value)
		}
		if l.value != nil && !seen[id] {
			n++
		}
		seen[id] = id != ""
	}
	return n
}

// named tells whether the sender gives the event an id.
func (l lead) named() bool {
	return slices.ContainsFunc(l.headers, func(h transform.Header) bool { return h.Key == "webhook-id" })
}

func plain(p person) lead {
	return lead{
		key:     []byte(p.email()),
		headers: header("webhook-id", fmt.Sprintf("msg_%06d", p.n)),
		value: object(map[string]any{
			"firstName": p.first, "lastName": p.last, "phone": p.spoken(), "email": p.email(),
			"message": "Перезвоните, пожалуйста", "utm_source": "newsletter",
		}),
	}
}

func tilda(p person) lead {
	return lead{key: []byte(p.phone()), value: object(map[string]any{
		"Name": p.first + " " + p.last, "Phone": p.spoken(), "Email": strings.ToUpper(p.email()),
		"tranid": fmt.Sprintf("1234567:%d", p.n), "formid": "form49142221",
	})}
}

func contactForm(p person) lead {
	return lead{value: object(map[string]any{
		"your-name": p.first + " " + p.last, "your-email": p.email(), "your-tel": p.spoken(), "your-message": "Сколько стоит доставка?",
	})}
}

func typeform(p person) lead {
	answer := func(ref, kind, value string) map[string]any {
		return map[string]any{"type": kind, kind: value, "field": map[string]any{"ref": ref}}
	}
	return lead{value: object(map[string]any{
		"event_id": fmt.Sprintf("01HX%06d", p.n), "event_type": "form_response",
		"form_response": map[string]any{"answers": []any{
			answer("first_name", "text", p.first), answer("email", "email", p.email()), answer("phone", "phone_number", p.phone()),
		}},
	})}
}

func facebook(p person) lead {
	field := func(name, value string) map[string]any {
		return map[string]any{"name": name, "values": []string{value}}
	}
	return lead{value: object(map[string]any{
		"id": strconv.Itoa(990_000 + p.n), "field_data": []any{field("full_name", p.first+" "+p.last), field("email", p.email()), field("phone_number", p.phone())},
	})}
}

func structuredEvent(p person) lead {
	return lead{
		key:     []byte(p.email()),
		headers: header("content-type", "application/cloudevents+json"),
		value: object(map[string]any{
			"specversion": "1.0", "id": fmt.Sprintf("signup-%d", p.n), "source": "/site/signup", "type": "lead.created",
			"data": map[string]any{"first_name": p.first, "last_name": p.last, "email": p.email(), "mobile": p.spoken()},
		}),
	}
}

func binaryEvent(p person) lead {
	return lead{
		key: []byte(p.email()),
		headers: slices.Concat(header("ce_specversion", "1.0"), header("ce_id", fmt.Sprintf("order-%d", p.n)),
			header("ce_source", "/site/orders"), header("ce_type", "order.placed"), header("content-type", "application/json")),
		value: object(map[string]any{"name": p.first, "surname": p.last, "email": p.email(), "position": "Закупки"}),
	}
}

func manyPhones(p person) lead {
	return lead{value: object(map[string]any{
		"name": p.first, "phones": []string{p.spoken(), p.phone(), "+49 30 901820"}, "emails": p.email() + "; " + p.latin + "@example.org",
	})}
}

func unusablePhone(p person) lead {
	return lead{value: object(map[string]any{"name": p.first, "phone": "позвоните вечером", "email": "mailto:" + p.email()})}
}

func nameOnly(p person) lead {
	return lead{value: object(map[string]any{"name": p.first + " " + p.last, "email": "at example dot com"})}
}

// huge is over the size that an event may have.
func huge(p person) lead {
	return lead{value: object(map[string]any{"name": p.first, "email": p.email(), "comment": strings.Repeat("длинно ", 90_000)})}
}

func tombstone(p person) lead { return lead{key: []byte(p.email())} }

// text is a value as it stands.
func text(value string) func(person) lead {
	return func(person) lead { return lead{value: []byte(value)} }
}

// marked is a good lead but for one field, which the CRM makes trouble over.
func marked(field, mark string) func(person) lead {
	return func(p person) lead {
		return lead{value: object(map[string]any{"name": p.first, "email": p.email(), field: mark})}
	}
}

func header(key, value string) []transform.Header {
	return []transform.Header{{Key: key, Value: []byte(value)}}
}

// object is JSON of what is known to be representable.
func object(fields map[string]any) []byte {
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return b
}
