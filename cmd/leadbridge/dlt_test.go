package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
)

// lettersRig has n letters of people who gave no usable phone number, and a
// service that wrote them and is gone.
func lettersRig(t *testing.T, n int) *rig {
	t.Helper()
	r := newRig(t, crmtest.Options{ExistingUserField: true}, "leads", "leads.dlt")
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf(`{"firstName":"Anna","phone":"12","n":%d}`, i)
	}
	r.produce(t, values...)
	r.deliver(t, int64(n))
	return r
}

// deliver runs the service until everything in the topic is committed.
func (r *rig) deliver(t *testing.T, committed int64) {
	t.Helper()
	s := startService(t, hurried(r))
	eventually(t, "the service has worked it off", func() bool { return r.committed() >= committed })
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Fatalf("exit %d:\n%s", code, s.stderr())
	}
}

func (r *rig) brokers() map[string]string {
	return map[string]string{"KAFKA_BROKERS": r.cluster.ListenAddrs()[0]}
}

// dlt runs a command for dead letters in this process.
func (r *rig) dlt(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	return r.dltWith(t, "", want, args...)
}

func (r *rig) dltWith(t *testing.T, stdin string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := inProcess(r.brokers(), stdin, append([]string{"dlt"}, args...)...)
	if code != want {
		t.Fatalf("dlt %v: exit %d, want %d\n%s\n%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

// replayed counts the records of the topic that were replayed, by event.
func (r *rig) replayed(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	log := consumer.NewLog(cluster.Brokers{Addresses: r.cluster.ListenAddrs()}, "leads")
	defer log.Close()
	bounds, err := log.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, b := range bounds {
		for at := b.First; at < b.End; {
			records, next, err := log.Read(t.Context(), id, at, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range records {
				if event := header.Text(rec.Headers, header.EventID); event != "" {
					counts[event]++
				}
			}
			if next == at {
				break
			}
			at = next
		}
	}
	return counts
}

const mendPhone = `.phone = "+7916" + (1000000 + .n | tostring)`

func TestDeadLettersFromTheListToTheContact(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 5)
	stdout, stderr := r.dlt(t, 0, "list", "--output", "json")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var first dlt.Line
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 5 || stderr != "" || first.Reason != "NO_CONTACT_POINT" || strings.Contains(stdout, "Anna") {
		t.Errorf("%s%s", stdout, stderr)
	}
	place := fmt.Sprintf("%d:%d", first.Partition, first.Offset)

	stdout, _ = r.dlt(t, 0, "list", "--unmask", "--limit", "2")
	if !strings.Contains(stdout, "Anna") || !strings.Contains(stdout, "2 in leads.dlt by reason") || !strings.Contains(stdout, "  NO_CONTACT_POINT   ####") {
		t.Errorf("table:\n%s", stdout)
	}
	stdout, _ = r.dlt(t, 0, "show", place)
	for _, part := range []string{"NO_CONTACT_POINT  " + place + " of leads.dlt, open", "From       leads, partition 0, offset", `"firstName":"***"`, "To do      Nothing can reach this person"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("show has no %q:\n%s", part, stdout)
		}
	}
	if stdout, _ = r.dlt(t, 0, "show", place, "--unmask"); !strings.Contains(stdout, `"firstName":"Anna"`) || strings.Contains(stdout, "dlt-") {
		t.Errorf("unmasked:\n%s", stdout)
	}
	if stdout, _ = r.dlt(t, 0, "show", place, "--output", "json", "--unmask"); !strings.Contains(stdout, `"rejected":{"reason":"NO_CONTACT_POINT"`) || !strings.Contains(stdout, "Anna") {
		t.Errorf("show as JSON:\n%s", stdout)
	}

	stdout, _ = r.dlt(t, 0, "replay", "--dry-run")
	if want := "5 of them would be rejected again, before the CRM is asked:\n  NO_CONTACT_POINT        5  "; !strings.Contains(stdout, want) || !strings.Contains(stdout, "such as 0:") {
		t.Errorf("a dry run that mends nothing: %q, want %q", stdout, want)
	}
	stdout, stderr = r.dlt(t, 0, "replay", "--dry-run", "--edit", mendPhone)
	if want := "Would replay 5 of 5 letters, 5 of them edited.\n  NO_CONTACT_POINT        5  -> leads, partition 0\n"; stdout != want || stderr != "" {
		t.Errorf("dry run:\n%s%s", stdout, stderr)
	}
	r.dlt(t, 0, "replay", place, "--edit", mendPhone)
	stdout, stderr = r.dlt(t, 0, "replay", "--edit", mendPhone, "--rate", "0", "--output", "json")
	var report dlt.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Replayed != 4 || report.Already != 1 || stderr != "" {
		t.Errorf("%v, %s%s", err, stdout, stderr)
	}
	r.deliver(t, 11) // with the ends of two transactions between
	if n := r.crm.Stats(); n.Contacts != 5 || n.Duplicates != 0 {
		t.Errorf("%d contacts, %d duplicates", n.Contacts, n.Duplicates)
	}
	if stdout, _ = r.dlt(t, 0, "list", "--state", "open", "--output", "json"); stdout != "" {
		t.Errorf("still open:\n%s", stdout)
	}
}

// A replay of what already is a contact makes no second one.
func TestReplayOfAContactMakesNoSecondOne(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 2)
	r.dlt(t, 0, "replay", "--edit", mendPhone)
	r.deliver(t, 4)
	exported, _ := r.dlt(t, 0, "export")
	// As if the markers had been lost: the letters are imported as open ones.
	forgetful := strings.NewReplacer(`"state":"replayed"`, `"state":"open"`, `\"n\":`, `\"phone\":\"+79160000001\",\"n\":`, `"key":"dlt-original-offset","value":"`, `"key":"dlt-original-offset","value":"10`).Replace(exported)
	stdout, _ := r.dltWith(t, forgetful, 0, "import")
	if stdout != "2 letters imported\n" {
		t.Errorf("%q", stdout)
	}
	r.dlt(t, 0, "replay")
	r.deliver(t, 7) // with the end of a transaction between
	if n := r.crm.Stats(); n.Contacts != 2 || n.Duplicates != 0 {
		t.Errorf("%d contacts, %d duplicates", n.Contacts, n.Duplicates)
	}
}

// TestReplayKillNine kills a replay at several moments; the next one goes on.
func TestReplayKillNine(t *testing.T) {
	t.Parallel()
	const n = 40
	r := lettersRig(t, n)
	for done := 0; done < n; {
		env := maps.Clone(r.brokers())
		p := start(t, "main", env, "dlt", "replay", "--rate", "100")
		before := done
		eventually(t, "it replays", func() bool { done = len(r.replayed(t)); return done > before })
		p.signal(t, syscall.SIGKILL)
		p.exit(t)
		done = len(r.replayed(t))
	}
	stdout, _ := r.dlt(t, 0, "replay")
	if !strings.Contains(stdout, "Replayed 0 of 0 letters.\n40 more were replayed before.") {
		t.Errorf("the last run says:\n%s", stdout)
	}
	for event, count := range r.replayed(t) {
		if count != 1 {
			t.Errorf("%s was replayed %d times", event, count)
		}
	}
}

func TestReplayInterrupted(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 20)
	p := start(t, "main", r.brokers(), "dlt", "replay", "--rate", "10")
	eventually(t, "it replays", func() bool { return len(r.replayed(t)) > 2 })
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != exitInterrupted {
		t.Errorf("exit %d", code)
	}
	done := len(r.replayed(t))
	if out := p.stdout.String(); !strings.Contains(out, fmt.Sprintf("Replayed %d of 20 letters.", done)) || !strings.Contains(out, "run it again to continue") {
		t.Errorf("%d done:\n%s\n%s", done, out, p.stderr())
	}
	if stdout, _ := r.dlt(t, 0, "replay", "--rate", "0"); !strings.Contains(stdout, fmt.Sprintf("Replayed %d of %d", 20-done, 20-done)) {
		t.Errorf("next run:\n%s", stdout)
	}
}

func TestReplayExitCodes(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 1)
	for _, tt := range []struct {
		want int
		args []string
		text string
	}{
		{2, []string{"list", "--since", "yesterday"}, "--since"},
		{2, []string{"list", "--limit", "-1"}, "--limit"},
		{2, []string{"list", "--output", "xml"}, "--output"},
		{2, []string{"show", "7"}, "partition:offset"},
		{2, []string{"replay", "--edit", ".a |"}, "--edit"},
		{2, []string{"replay", "--rate", "-1"}, "--rate"},
		{2, []string{"replay", "--max-replays", "0"}, "--max-replays"},
		{2, []string{"replay", "--erase"}, "--key or --event-id"},
		{2, []string{"replay", "--erase", "--key", "k", "--reason", "X"}, "no other filter"},
		{2, []string{"replay", "--erase", "--key", "k", "--edit", "."}, "--erase"},
		{0, []string{"replay", "--reason", "CRM_REFUSD"}, `--reason "CRM_REFUSD" is not a reason that leadbridge writes; those are MALFORMED_EVENT, `},
		{0, []string{"list", "--reason", "Nobodys,crm_refused"}, `"Nobodys"`},
		{1, []string{"show", "0:99"}, "no letter lies"},
		{1, []string{"show", "1:0"}, "no letter lies"},
		{1, []string{"list", "--kafka-dlt-topic", "nothing"}, "check --fix"},
		{1, []string{"replay", "--kafka-topic", "nothing"}, "KAFKA_TOPIC (nothing)"},
		{1, []string{"replay", "--edit", "empty"}, ""},
		{1, []string{"import", "/nowhere"}, "no such file"},
	} {
		_, stderr := r.dlt(t, tt.want, tt.args...)
		if !strings.Contains(stderr, tt.text) || strings.Contains(stderr, "Anna") {
			t.Errorf("dlt %v says %q, want %q", tt.args, stderr, tt.text)
		}
	}
	for _, command := range []string{"list", "export"} {
		if _, stderr := r.dlt(t, 0, command, "--reason", "crm_refused,TOO_LARGE"); strings.Contains(stderr, "none") {
			t.Errorf("%s does not know a reason: %s", command, stderr)
		}
	}
	if stdout, _ := r.dlt(t, 1, "replay", "--edit", "empty"); !strings.Contains(stdout, "\n1 was left where it is:\n") {
		t.Errorf("replay of one letter that is left: %s", stdout)
	}
	// What says nothing is not said.
	if stdout, _ := r.dlt(t, 1, "replay", "--kafka-topic", "nothing"); stdout != "" {
		t.Errorf("a replay that did not come to the letters prints %q", stdout)
	}
	if r.cluster.TopicInfo("nothing") != nil {
		t.Error("a topic was made")
	}
}

func TestExportAndImportOnTheCommandLine(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 3)
	masked, _ := r.dlt(t, 0, "export", "--mask")
	if _, stderr := r.dltWith(t, masked, 1, "import"); strings.Count(stderr, "values are masked") != 3 || strings.Contains(masked, "Anna") {
		t.Errorf("%s", stderr)
	}
	exported, stderr := r.dlt(t, 0, "export", "--limit", "2")
	if !strings.Contains(exported, "Anna") || stderr != "2 letters exported\n" {
		t.Errorf("%s%s", exported, stderr)
	}
	file := filepath.Join(t.TempDir(), "letters.jsonl")
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	r.dlt(t, 0, "import", file)
	stdout, _ := r.dlt(t, 0, "list", "--output", "json")
	if strings.Count(stdout, `"copies":2`) != 2 || strings.Count(stdout, "\n") != 3 {
		t.Errorf("%s", stdout)
	}
}

func TestEraseOnTheCommandLine(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 2)
	stdout, _ := r.dlt(t, 0, "list", "--output", "json", "--limit", "1")
	var line dlt.Line
	if err := json.Unmarshal([]byte(stdout), &line); err != nil {
		t.Fatal(err)
	}
	exported, _ := r.dlt(t, 0, "export")
	stdout, _ = r.dlt(t, 0, "replay", "--erase", "--event-id", line.EventID)
	for _, part := range []string{
		"Erased 1 letter:", "contact in the CRM, if there is one, is not touched", "leads, partition 0, offset", "leads.dlt, partition 0, offset",
		"leads.dlt: retention, ", "kafka-delete-records.sh",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q:\n%s", part, stdout)
		}
	}
	if stdout, _ = r.dltWith(t, exported, 0, "import"); stdout != "1 letter imported\n1 letter not imported: erased before\n" {
		t.Errorf("%s", stdout)
	}
	if stdout, _ = r.dlt(t, 0, "replay"); !strings.Contains(stdout, "Replayed 1 of 1") {
		t.Errorf("%s", stdout)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"": "0001-01-01T00:00:00Z", "2026-03-01": "2026-03-01T00:00:00Z", "2026-03-01T10:00:00+03:00": "2026-03-01T07:00:00Z", "2026-03-01 10:00:00": "2026-03-01T10:00:00Z",
		"90m": "2026-03-04T10:30:00Z", "7d": "2026-02-25T12:00:00Z", "0.5d": "2026-03-04T00:00:00Z",
	} {
		if got, ok := moment(text, now); !ok || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is %v, %v; want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"yesterday", "-5m", "d", "-1d", "12", "Infd", "NaNd", "200000d", "1e300d", "Inf", "3000000h"} {
		if got, ok := moment(text, now); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// What others wrote must not move a terminal's cursor.
func TestTableIsPlainText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := newTable(&out)
	value := "{\x1b[2Ja\r\nb\u009b}"
	err := table.add(dlt.Line{EventID: "e\x1b]0;x\a", Reason: "R\n", Code: "\t", Value: &value})
	if err == nil {
		err = table.histogram("leads.dlt")
	}
	if err != nil || strings.ContainsAny(out.String(), "\x1b\r\t\a\u009b") || strings.Count(out.String(), "\n") != 5 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// Without a terminal there is neither a bar nor a colour.
func TestBarOnlyOnATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := newBar(&out, "letters")
	b.show(1, 2)
	b.show(2, 2)
	b.end()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
	b.out = &out
	b.show(1, 2)
	b.show(2, 2)
	b.end()
	if text := out.String(); !strings.Contains(text, "[##########..........]  1 of 2 letters") || !strings.HasSuffix(text, "2 of 2 letters\n") {
		t.Errorf("%q", text)
	}
}

func TestDeadLetterCommandsAskNothingOfTheCRM(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"list", "show", "replay", "export", "import"} {
		code, stdout, _ := inProcess(nil, "", "dlt", command, "--help")
		text := strings.Join(strings.Fields(stdout), " ")
		if code != 0 || strings.Contains(text, "(CRM_") || strings.Contains(text, "KAFKA_GROUP_ID") || !strings.Contains(text, "(KAFKA_DLT_TOPIC)") {
			t.Errorf("dlt %s --help: exit %d\n%s", command, code, stdout)
		}
	}
}

// TestLettersAreGroupedClosedAndErased does by command what a night needs: which kinds there are, which are seen, and
// whom to forget.
func TestLettersAreGroupedClosedAndErased(t *testing.T) {
	t.Parallel()
	r := lettersRig(t, 4)
	for _, by := range []string{"reason", "code", "words", "source"} {
		stdout, _ := r.dlt(t, 0, "list", "--group-by", by, "--output", "json")
		var g letterGroup
		if err := json.Unmarshal([]byte(stdout), &g); err != nil || g.Letters != 4 || g.Open != 4 || g.Newest.IsZero() {
			t.Errorf("--group-by %s: %v\n%s", by, err, stdout)
		}
		if by == "source" && g.Group != "leads" || by == "reason" && g.Group != "NO_CONTACT_POINT" {
			t.Errorf("--group-by %s: %q", by, g.Group)
		}
		if table, _ := r.dlt(t, 0, "list", "--group-by", by); !strings.Contains(table, strings.ToUpper(by)) || !strings.Contains(table, clean(cut(g.Group, 120))) {
			t.Errorf("--group-by %s:\n%s", by, table)
		}
	}
	if stdout, _ := r.dlt(t, 0, "close", "--source", "leads", "--limit", "1", "--word", "a test"); !strings.HasPrefix(stdout, "Closed 1 letter.") {
		t.Errorf("close: %s", stdout)
	}
	stdout, _ := r.dlt(t, 0, "list", "--state", "closed", "--output", "json")
	var closed dlt.Line
	if err := json.Unmarshal([]byte(stdout), &closed); err != nil || closed.ClosedWord != "a test" || closed.State != dlt.StateClosed {
		t.Fatalf("%v %s", err, stdout)
	}
	if text, _ := r.dlt(t, 0, "show", dlt.Position{Partition: closed.Partition, Offset: closed.Offset}.String()); !regexp.MustCompile(`(?m)^  Closed     20\S+Z: a test$`).MatchString(text) {
		t.Errorf("show: %s", text)
	}
	if table, _ := r.dlt(t, 0, "list"); !strings.Contains(table, "(3 open, 1 closed)") || !strings.Contains(table, "WORDS") {
		t.Errorf("list:\n%s", table)
	}
	if stdout, _ := r.dlt(t, 0, "replay", "--state", "closed", "--dry-run"); !strings.HasPrefix(stdout, "Would replay 1 of 1 letter.") {
		t.Errorf("replay: %s", stdout)
	}
	if _, stderr := r.dlt(t, 2, "close", "--word", "all of them"); !strings.Contains(stderr, "does not say which letters") {
		t.Error(stderr)
	}
	if _, stderr := r.dlt(t, 2, "close", "0:0", "--word", "anna@example.com"); !strings.Contains(stderr, "must not hold an e-mail address") {
		t.Error(stderr)
	}
	if stdout, _ := r.dlt(t, 0, "erase", "--event-id", closed.EventID, "--dry-run"); !strings.HasPrefix(stdout, "Would erase 1 letter") {
		t.Errorf("erase: %s", stdout)
	}
	if _, stderr := r.dlt(t, 2, "erase"); !strings.Contains(stderr, "whom to forget") {
		t.Error(stderr)
	}
	if stdout, _ := r.dlt(t, 0, "list", "--reason", "CRM_REFUSED"); stdout != "No letters of that kind in leads.dlt.\n" {
		t.Error(stdout)
	}
}

// TestNoLettersWithoutAFilter does not speak of a kind that nobody asked for.
func TestNoLettersWithoutAFilter(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads", "leads.dlt")
	if stdout, _ := r.dlt(t, 0, "list"); stdout != "No letters in leads.dlt.\n" {
		t.Error(stdout)
	}
}
