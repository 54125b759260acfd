package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

// sent is something that people or programs really send, with invented
// persons, and what must become of it.
type sent struct {
	// source is the address of the public report or document that shows the
	// shape, or the standard's name where no address was found.
	source string
	region string // PHONE_REGION; "" is RU
	data   string // an event
	want   string // as described writes it
}

// checkSent reads each event and compares.
func checkSent(t *testing.T, rows []sent) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.data, func(t *testing.T) {
			t.Parallel()
			if r.source == "" {
				t.Error("the row names no source")
			}
			tr := newTransformer(t, Options{PhoneRegion: r.region})
			e, err := tr.Decode(record(r.data))
			var c crmclient.Contact
			if err == nil {
				c, err = tr.Contact(e)
				checkExplanation(t, tr, e)
			}
			if diff := cmp.Diff(r.want, described(c, err)); diff != "" {
				t.Errorf("contact (-want +got):\n%s", diff)
			}
		})
	}
}

// described writes a contact as "phone, phone; e-mail; first/second/last;
// comments", and a rejection as its reason.
func described(c crmclient.Contact, err error) string {
	if err != nil {
		return string(reasonOf(err))
	}
	parts := []string{strings.Join(valuesIn(c.Phones), ", "), strings.Join(valuesIn(c.Emails), ", "), "", c.Comments}
	if c.Name+c.SecondName+c.LastName != "" {
		parts[2] = c.Name + "/" + c.SecondName + "/" + c.LastName
	}
	return strings.TrimRight(strings.Join(parts, "; "), "; ")
}

// phoneSent is a row of an event with nothing but a phone.
func phoneSent(source, region, phone, want string) sent {
	return fieldSent(source, region, "phone", phone, want)
}

func fieldSent(source, region, key, text, want string) sent {
	data, _ := json.Marshal(map[string]string{key: text}) // texts always encode
	return sent{source: source, region: region, data: string(data), want: want}
}
