package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// previewing is a body of a preview with a new value.
func previewing(value string) string {
	text, _ := json.Marshal(map[string]string{"value": value})
	return string(text)
}

// TestPreview compares what an edit makes of a letter's event with what is built of it as it is.
func TestPreview(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		good, bad := letterNo(0), letterNo(1)
		bad.value = `{"name":"Anna Nobody"}`
		r.seed(good, bad)
		email := "nobody.0@example.com (WORK)"
		for name, c := range map[string]struct {
			place, body string
			want        previewed
		}{
			"a corrected e-mail address": {"0:0", previewing(`{"name":"Anna Nobody","email":"anna@example.com","post":"Buyer"}`), previewed{Compared: []comparison{
				{"contact", "name", "Anna", "Anna", "same"}, {"contact", "lastName", "Nobody", "Nobody", "same"},
				{"contact", "phone", "+79161230000 (MOBILE)", "", "removed"}, {"contact", "email", email, "anna@example.com (WORK)", "changed"},
				{"contact", "post", "", "Buyer", "added"}, {"contact", "sourceId", "WEB", "WEB", "same"},
			}}},
			"nothing could be built before": {"1:0", `{"jq":".email = \"b@example.com\""}`, previewed{
				Before: "NO_CONTACT_POINT: ", Compared: []comparison{
					{"contact", "name", "", "Anna", "added"}, {"contact", "lastName", "", "Nobody", "added"},
					{"contact", "email", "", "b@example.com (WORK)", "added"}, {"contact", "sourceId", "", "WEB", "added"},
				},
			}},
			"nothing can be built afterwards": {"0:0", `{"jq":"{}"}`, previewed{After: "NO_CONTACT_POINT: ", Compared: []comparison{
				{"contact", "name", "Anna", "", "removed"}, {"contact", "lastName", "Nobody", "", "removed"}, {"contact", "phone", "+79161230000 (MOBILE)", "", "removed"},
				{"contact", "email", email, "", "removed"}, {"contact", "sourceId", "WEB", "", "removed"},
			}}},
			"the program fails": {"1:0", `{"jq":"error(\"no\")"}`, previewed{Before: "NO_CONTACT_POINT: ", Failed: "the ", Compared: []comparison{}}},
			"as it is":          {"1:0", `{}`, previewed{Before: "NO_CONTACT_POINT: ", After: "NO_CONTACT_POINT: ", Compared: []comparison{}}},
		} {
			got := read[previewed](r, "POST", "/api/letters/"+c.place+"/preview", c.body)
			for _, why := range []struct{ got, want *string }{{&got.Before, &c.want.Before}, {&got.After, &c.want.After}, {&got.Failed, &c.want.Failed}} {
				if !strings.HasPrefix(*why.got, *why.want) || (*why.want == "") != (*why.got == "") {
					t.Errorf("%s: %q, want %q", name, *why.got, *why.want)
				}
				*why.got = *why.want
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if n := len(r.events()); n != 0 {
			t.Errorf("previews wrote %d events", n)
		}
		lines := r.audits()
		if len(lines) != 5 || lines[0]["audit"] != "preview" || strings.Contains(r.log.String(), "example.com") {
			t.Errorf("audit of previews: %v", lines)
		}
		for body, field := range map[string]string{previewing(`[]`): "value", `{"jq":"nosuch"}`: "jq", `{"value":"{}","jq":"."}`: "jq"} {
			if w := r.ask("POST", "/api/letters/0:0/preview", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"field":"`+field+`"`) {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	})
}

// TestPreviewOfADeal shows contact and deal, by what CRM_TARGET says and by what the event says.
func TestPreviewOfADeal(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		kinds := func(body string) string {
			var all []string
			for _, c := range read[previewed](r, "POST", "/api/letters/0:0/preview", body).Compared {
				if c.Field == "title" || c.Field == "email" {
					all = append(all, c.Kind+" "+c.Field+" "+c.Change)
				}
			}
			return strings.Join(all, ", ")
		}
		if got := kinds(`{}`); got != "contact email same, deal title same" {
			t.Errorf("as it is: %s", got)
		}
		if got := kinds(`{"jq":".target = \"lead\""}`); got != "contact email removed, lead title added, lead email added, deal title removed" {
			t.Errorf("as a lead: %s", got)
		}
	}, func(c *Config) {
		var err error
		if c.Transformer, err = transform.New(transform.Options{SourceID: "WEB", Target: crmclient.TargetDeal}); err != nil {
			t.Fatal(err)
		}
		c.Target = crmclient.TargetDeal
	})
}

// TestPreviewShowsNothingOfAnErasedLetter neither reveals what was erased nor lets it be guessed.
func TestPreviewShowsNothingOfAnErasedLetter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		if w := r.ask("POST", "/api/letters/0:0/erase", `{"dryRun":false}`); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		time.Sleep(lettersEvery)
		if w := r.ask("POST", "/api/letters/0:0/preview", `{}`); w.Code != http.StatusConflict || strings.Contains(w.Body.String(), "Anna") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// TestDryRunOfThePageCountsRejections has the page's dry run say which letters would be rejected again.
func TestDryRunOfThePageCountsRejections(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		bad := letterNo(1)
		bad.value = `{"name":"Anna Nobody"}`
		r.seed(letterNo(0), bad)
		dry, _ := r.replayed(`{"places":["0:0","1:0"],"dryRun":true}`)
		if got := dry.Report.Rejected; len(got) != 1 || got[0].Reason != "NO_CONTACT_POINT" || got[0].Letters != 1 || got[0].Place != "1:0" || got[0].Message == "" {
			t.Errorf("%+v", got)
		}
		if dry, _ = r.replayed(`{"places":["0:0","1:0"],"dryRun":true,"jq":".email = \"b@example.com\""}`); len(dry.Report.Rejected) != 0 {
			t.Errorf("after the edit %+v", dry.Report.Rejected)
		}
	})
}
