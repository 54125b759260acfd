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
