package vibe

import "testing"

// A comment of another card is told apart, in whatever form the answer names the card's kind.
func TestCommentOnAnotherCard(t *testing.T) {
	card := CardID{Kind: "contact", ID: 7}
	for row, stray := range map[string]bool{
		`{"id":1,"entityType":"contact","entityId":7}`:       false,
		`{"id":1,"entityType":"CONTACT","entityId":"7"}`:     false,
		`{"id":1,"entityType":"CRM_CONTACT","entityId":7}`:   false,
		`{"id":1,"entityType":3,"entityId":7}`:               false,
		`{"id":1,"entityType":"3","entityId":7}`:             false,
		`{"id":1,"entityId":7}`:                              false,
		`{"id":1}`:                                           false,
		`{"id":1,"entityType":"contact","entityId":8}`:       true,
		`{"id":1,"entityType":"crm_deal","entityId":7}`:      true,
		`{"id":1,"entityType":2,"entityId":7}`:               true,
		`{"id":1,"entityType":["CRM_LEAD"],"entityId":"7"}`:  true,
		`{"id":1,"entityType":"DYNAMIC_128","entityId":"7"}`: true,
	} {
		if got := Row(row).CommentOn(card).Stray; got != stray {
			t.Errorf("%s: %v", row, got)
		}
	}
}

// Only the whole form of a mark is one of ours: what a person writes or another program numbers is none.
func TestHasMark(t *testing.T) {
	for text, want := range map[string]bool{
		CommentMark("leadbridge", "lb-1"):              true,
		"a\n[Leadbridge 3F9AD07C51B2E864] ":            true,
		"[leadbridge x] [leadbridge 3f9ad07c51b2e864]": true,
		"order 3f9ad07c51b2e864":                       false,
		"card 1234567812345678":                        false,
		"[other 3f9ad07c51b2e864]":                     false,
		"[leadbridge 3f9ad07c51b2e864":                 false,
		"[leadbridge 3f9ad07c51b2e8641]":               false,
		"":                                             false,
	} {
		if got := HasMark(text, "leadbridge"); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
