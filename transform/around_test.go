package transform

import "testing"

// TestUnusablePointAroundTheLead is what stands in a field for a phone or an e-mail beside the object that has the lead's:
// it is not the lead's, and keeps its own name in the comments.
func TestUnusablePointAroundTheLead(t *testing.T) {
	t.Parallel()
	checkSent(t, []sent{
		{source: documentFormstack, data: `{"tel":"see below","contact":{"phone":"+79161234567"}}`, want: "+79161234567; ; ; tel: see below"},
		{source: documentFormstack, data: `{"mail":"none","data":{"person":{"email":"anna@example.com"}}}`, want: "; anna@example.com; ; mail: none"},
	})
}
