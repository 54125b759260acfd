package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/transform"
)

func plain(p person) lead {
	return lead{
		key:     []byte(p.email()),
		points:  []string{p.phone(), p.email()},
		headers: header("webhook-id", fmt.Sprintf("msg_%06d", p.n)),
		value: object(map[string]any{
			"firstName": p.first, "lastName": p.last, "phone": p.typed(), "email": p.email(),
			"message": "Перезвоните, пожалуйста", "utm_source": "newsletter",
		}),
	}
}

func tilda(p person) lead {
	return lead{key: []byte(p.phone()), value: object(map[string]any{
		"Name": p.first + " " + p.last, "Phone": p.typed(), "Email": strings.ToUpper(p.email()),
		"tranid": fmt.Sprintf("1234567:%d", p.n), "formid": "form49142221",
	})}
}

func contactForm(p person) lead {
	return lead{value: object(map[string]any{
		"your-name": p.first + " " + p.last, "your-email": p.email(), "your-tel": p.typed(), "your-message": "Сколько стоит доставка?",
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
			"data": map[string]any{"first_name": p.first, "last_name": p.last, "email": p.email(), "mobile": p.typed()},
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
		"name": p.first, "phones": []string{p.typed(), p.phone(), fmt.Sprintf("+49 30 9018%04d", p.n)}, "emails": p.email() + "; " + p.latin + "@example.org",
	})}
}

func unusablePhone(p person) lead {
	return lead{value: object(map[string]any{"name": p.first, "phone": "позвоните вечером", "email": "mailto:" + p.email()})}
}

func nameOnly(p person) lead {
	return lead{value: object(map[string]any{"name": p.first + " " + p.last, "email": "at example dot com"})}
}

// huge returns a lead that is larger than an event may be.
func huge(p person) lead {
	return lead{value: object(map[string]any{"name": p.first, "email": p.email(), "comment": strings.Repeat("длинно ", 90_000)})}
}

func tombstone(p person) lead { return lead{key: []byte(p.email())} }

// text returns a maker of leads with this value.
func text(value string) func(person) lead {
	return func(person) lead { return lead{value: []byte(value)} }
}

// marked returns a maker of leads that are good but for one field, whose text makes the CRM fail or refuse them.
func marked(field, mark string) func(person) lead {
	return func(p person) lead {
		return lead{value: object(map[string]any{"name": p.first, "email": p.email(), field: mark})}
	}
}

func header(key, value string) []transform.Header {
	return []transform.Header{{Key: key, Value: []byte(value)}}
}

// object returns fields as JSON, which they can always be written as.
func object(fields map[string]any) []byte {
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return b
}
