package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The names follow the public documentation of who sets them:
// https://support.google.com/google-ads/answer/9744275 (gclid, gbraid, wbraid),
// https://yandex.com/support/direct/en/statistics/url-tags (yclid),
// https://yandex.com/support/metrica/en/general/cookie-usage (_ym_uid),
// https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc (fbclid, _fbp, _fbc),
// https://ads.tiktok.com/help/article/track-offsite-web-events (ttclid),
// https://help-ru.roistat.com (roistat_visit).
func TestTracking(t *testing.T) {
	const point = `"email":"a@example.com",`
	long := strings.Repeat("x", maxTracking+1)
	tests := []struct {
		name, value string
		want        map[string]string
		comments    string
	}{
		{"click ids", `{` + point + `"gclid":"a","yclid":"b","fbclid":"c","ttclid":"d","vkclid":"e"}`,
			map[string]string{"gclid": "a", "yclid": "b", "fbclid": "c", "ttclid": "d", "vkclid": "e"}, ""},
		{"other click ids", `{` + point + `"gbraid":"a","wbraid":"b","msclkid":"c","rb_clickid":"d","li_fat_id":"e"}`,
			map[string]string{"gbraid": "a", "wbraid": "b", "msclkid": "c", "rb_clickid": "d", "li_fat_id": "e"}, ""},
		{"visitors", `{` + point + `"_ym_uid":1600000000123456789,"_ga":"GA1.2.1.2","roistat_visit":"123","ym_client_id":"5"}`,
			map[string]string{"_ym_uid": "1600000000123456789", "_ga": "GA1.2.1.2", "roistat_visit": "123", "ym_client_id": "5"}, ""},
		{"spellings", `{` + point + `"GCLID":"a","yandex_client_id":"b","HTTP_REFERER":"https://example.org/","Page URL":"https://example.com/x","roistat":"1"}`,
			map[string]string{"gclid": "a", "ym_client_id": "b", "referrer": "https://example.org/", "page": "https://example.com/x", "roistat_visit": "1"}, ""},
		{"further utm values", `{` + point + `"utm_id":"1","utm_referrer":"https://example.org","utmCreativeFormat":"video"}`,
			map[string]string{"utm_id": "1", "utm_referrer": "https://example.org", "utm_creative_format": "video"}, ""},
		{"in an object", `{` + point + `"utm":{"id":"1","utm_referrer":"r"}}`, map[string]string{"utm_id": "1", "utm_referrer": "r"}, ""},
		{"in an object beside the person", `{"contact":{"email":"a@example.com"},"meta":{"gclid":"a","page":"https://example.com"}}`,
			map[string]string{"gclid": "a", "page": "https://example.com"}, ""},
		{"in a list", `{"fields":[{"name":"email","value":"a@example.com"},{"name":"gclid","value":"a"}]}`, map[string]string{"gclid": "a"}, ""},
		{"empty", `{` + point + `"gclid":"","yclid":null}`, nil, ""},
		{"the same twice", `{` + point + `"gclid":"a","GCLID":"a"}`, map[string]string{"gclid": "a"}, ""},
		{"two", `{` + point + `"gclid":"a","GCLID":"b"}`, map[string]string{"gclid": "a"}, "GCLID: b"},
		{"no text", `{` + point + `"page":{"title":"Shoes"},"referrer":["a","b"]}`, map[string]string{"referrer": "a, b"}, "page.title: Shoes"},
		{"cookies", `{` + point + `"COOKIES":"_ym_uid=16; lang=en; _ga=GA1.2.1.2"}`, map[string]string{"_ym_uid": "16", "_ga": "GA1.2.1.2"}, "COOKIES: _ym_uid=16; lang=en; _ga=GA1.2.1.2"},
		{"cookies in an object", `{` + point + `"cookies":{"_ga":"GA1.2.1.2","lang":"en"}}`, map[string]string{"_ga": "GA1.2.1.2"}, "cookies.lang: en"},
		{"address of the page", `{` + point + `"page":"https://example.com/?gclid=a&utm_id=7&yclid=&size=5","utm_id":"8"}`,
			map[string]string{"page": "https://example.com/?gclid=a&utm_id=7&yclid=&size=5", "gclid": "a", "utm_id": "8"}, ""},
		{"too long", `{` + point + `"page":"` + long + `"}`, nil, "page: " + long},
		{"something else", `{` + point + `"ga":"Georgia","homepage":"https://example.com","page number":"7"}`, nil, "ga: Georgia\nhomepage: https://example.com\npage number: 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := contactOf(t, Options{}, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Tracking); diff != "" || got.Comments != tt.comments {
				t.Errorf("comments %q, want %q; tracking (-want +got):\n%s", got.Comments, tt.comments, diff)
			}
		})
	}
}

func TestTrackingNames(t *testing.T) {
	for _, name := range TrackingNames() {
		if got := TrackingName(name); got != name {
			t.Errorf("%s is kept as %q", name, got)
		}
	}
}
