package crmclient

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

func mails(values ...string) []vibe.Multifield {
	list := []vibe.Multifield{}
	for _, v := range values {
		list = append(list, vibe.Multifield{Value: v, TypeID: "WORK"})
	}
	return list
}

func cardOfMails(t *testing.T, values ...string) vibe.Held {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": 1, "email": mails(values...)})
	if err != nil {
		t.Fatal(err)
	}
	return vibe.Row(text).Held()
}

// Only a value that is gone is written again, and never one that the card holds.
func TestVerifyAndRestore(t *testing.T) {
	for name, test := range map[string]struct {
		patch               Patch
		before, sent, after []string
		want                verdict
		restored            []string
	}{
		"adds":                    {PatchAdds, []string{"a@x.ru"}, []string{"n@x.ru"}, []string{"a@x.ru", "n@x.ru"}, kept, nil},
		"adds, a person too":      {PatchAdds, []string{"a@x.ru"}, []string{"n@x.ru"}, []string{"a@x.ru", "n@x.ru", "n@x.ru"}, kept, nil},
		"adds, not kept":          {PatchAdds, []string{"a@x.ru"}, []string{"n@x.ru"}, []string{"a@x.ru"}, notKept, nil},
		"adds, one is gone":       {PatchAdds, []string{"a@x.ru", "b@x.ru"}, []string{"n@x.ru"}, []string{"b@x.ru", "n@x.ru"}, damaged, []string{"a@x.ru"}},
		"adds, all are gone":      {PatchAdds, []string{"a@x.ru", "b@x.ru"}, []string{"n@x.ru"}, []string{"n@x.ru"}, damaged, []string{"a@x.ru", "b@x.ru"}},
		"replaces":                {PatchReplaces, []string{"a@x.ru"}, []string{"a@x.ru", "n@x.ru"}, []string{"a@x.ru", "n@x.ru"}, kept, nil},
		"replaces, all twice":     {PatchReplaces, []string{"a@x.ru", "b@x.ru"}, []string{"a@x.ru", "b@x.ru", "n@x.ru"}, []string{"a@x.ru", "b@x.ru", "a@x.ru", "b@x.ru", "n@x.ru"}, doubled, nil},
		"replaces, one twice":     {PatchReplaces, []string{"a@x.ru", "b@x.ru"}, []string{"a@x.ru", "b@x.ru", "n@x.ru"}, []string{"a@x.ru", "a@x.ru", "b@x.ru", "n@x.ru"}, kept, nil},
		"replaces, the new twice": {PatchReplaces, []string{"a@x.ru"}, []string{"a@x.ru", "n@x.ru"}, []string{"a@x.ru", "n@x.ru", "n@x.ru"}, kept, nil},
		"replaces, one is gone":   {PatchReplaces, []string{"a@x.ru"}, []string{"a@x.ru", "n@x.ru"}, []string{"c@x.ru"}, damaged, []string{"c@x.ru", "a@x.ru", "n@x.ru"}},
		"replaces, twice before":  {PatchReplaces, []string{"a@x.ru", "a@x.ru"}, []string{"a@x.ru", "a@x.ru", "n@x.ru"}, []string{"a@x.ru", "a@x.ru", "n@x.ru"}, kept, nil},
		"replaces, none held it":  {PatchReplaces, nil, []string{"n@x.ru"}, []string{"n@x.ru"}, kept, nil},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := cardOfMails(t, test.before...), cardOfMails(t, test.after...)
			change := vibe.Body{"email": mails(test.sent...)}
			if got := verify(before, after, change); got != test.want {
				t.Errorf("verdict %d, want %d", got, test.want)
			}
			body := restored(before, after, change, Patches{test.patch, test.patch})
			got, _ := body["email"].([]vibe.Multifield)
			if !slices.Equal(got, mails(test.restored...)) && (len(got) > 0 || len(test.restored) > 0) {
				t.Errorf("restored %v, want %v", got, test.restored)
			}
		})
	}
}
