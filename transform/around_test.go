package transform

import "testing"

// A field for a phone or an e-mail address outside the object with the lead's contact points is not the lead's. When its
// value is unusable, the comments have it under the field's own name.
func TestUnusablePointAroundTheLead(t *testing.T) {
	t.Parallel()
	checkSent(t, []sent{
		{source: documentFormstack, data: `{"tel":"see below","contact":{"phone":"+79161234567"}}`, want: "+79161234567; ; ; tel: see below"},
		{source: documentFormstack, data: `{"mail":"none","data":{"person":{"email":"anna@example.com"}}}`, want: "; anna@example.com; ; mail: none"},
	})
}
