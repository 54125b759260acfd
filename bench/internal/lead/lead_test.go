package lead

import (
	"encoding/json"
	"testing"
)

func TestLeads(t *testing.T) {
	t.Parallel()
	const many = 250_000
	phones := make(map[string]bool, many)
	for n := range many {
		phones[digits(Phone(n))] = true
	}
	if len(phones) != many {
		t.Errorf("%d people share %d phones", many, len(phones))
	}
	for _, n := range []int{0, 7, 199_999} {
		var got struct{ Email, Phone, Name string }
		if err := json.Unmarshal([]byte(New(n).Value), &got); err != nil {
			t.Fatal(err)
		}
		if back, ok := Of(got.Email); !ok || back != n || got.Phone == "" || got.Name == "" {
			t.Errorf("lead %d reads back as %d: %+v", n, back, got)
		}
	}
	for _, email := range []string{"", "lead.x@example.com", "somebody@example.com"} {
		if _, ok := Of(email); ok {
			t.Errorf("%q is taken for a lead's", email)
		}
	}
}

// digits are the last ten of a number.
func digits(phone string) string {
	var d []byte
	for i := range len(phone) {
		if phone[i] >= '0' && phone[i] <= '9' {
			d = append(d, phone[i])
		}
	}
	return string(d[len(d)-10:])
}
