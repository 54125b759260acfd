package statetopic

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// numbered returns the n-th process of some hosts.
func numbered(n int) process { return process{fmt.Sprintf("web-%d", n), fmt.Sprintf("%016x", n)} }

// remember puts an encoded and decoded bucket into a view.
func remember(t *testing.T, v *view, p process, width time.Duration, start int64, value string) {
	t.Helper()
	r, err := decode([]byte(p.bucketKey(width, start)), []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	v.apply(r, noon)
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A month of ten replicas takes less than 12 MiB. Not parallel: it measures the process.
func TestMonthOfTenReplicasIsSmall(t *testing.T) {
	before := heap()
	v := newView()
	for n := range 10 {
		for start := noon.Add(-fineKept).Unix(); start < noon.Unix(); start += 60 {
			remember(t, v, numbered(n), fineWidth, start, `{"created":12,"matched":3,"letters":1,"lag":100,"lagSeconds":1.5}`)
		}
		for start := noon.Add(-coarseKept).Unix(); start < noon.Unix(); start += 1800 {
			remember(t, v, numbered(n), coarseWidth, start, `{"created":360,"heldSeconds":{"outage":12.5},"lag":100,"lagSeconds":1.5}`)
		}
	}
	used := heap() - before
	if used > 12<<20 || v.bytes > 12<<20 {
		t.Errorf("a month takes %d bytes, and %d by the estimate, want at most 12 MiB", used, v.bytes)
	}
	t.Logf("it takes %d KiB, %d KiB by the estimate", used>>10, v.bytes>>10)
	if points := v.history(rangeOf("30d"), noon); len(points) != 30*12 || points[0].Created != 10*4*360 || points[0].HeldSeconds["outage"] != 4*12.5 {
		t.Errorf("%d points, the first is %+v", len(points), points[0])
	}
	runtime.KeepAlive(v)
}

// However much the topic holds, the newest of it is remembered, within the bound. Not parallel: it measures the process.
func TestViewIsBounded(t *testing.T) {
	before := heap()
	v := newView()
	first := noon.Add(-fineKept).Truncate(time.Hour).Unix()
	newest := int64(0)
	for i := range int64(1500) {
		newest = first + i*60
		for n := range 100 {
			remember(t, v, numbered(n), fineWidth, newest, `{"created":1}`)
		}
	}
	kept := map[int64]int{}
	v.each(fineWidth, func(b bucket) { kept[b.Start]++ })
	if kept[newest] != 100 || kept[first] != 0 {
		t.Errorf("%d of the newest and %d of the oldest are kept", kept[newest], kept[first])
	}
	large := heard{Now: Now{State: "held"}}
	large.Partitions = slices.Repeat([]int{99999}, maxPartitions)
	for n := range 2000 {
		h := large
		h.At, h.Partitions = noon.Add(time.Duration(n)*time.Second), slices.Clone(large.Partitions)
		v.apply(record{process: numbered(n), heard: &h}, noon)
	}
	if used := heap() - before; v.bytes > maxBytes || used > 2*maxBytes {
		t.Errorf("%d bytes are used, %d by the estimate", used, v.bytes)
	}
	if v.processes[numbered(1999)] == nil {
		t.Error("the newest process is forgotten")
	}
	for id := range v.processes {
		r, err := decode([]byte(id.key()), nil)
		if err != nil {
			t.Fatal(err)
		}
		v.apply(r, noon)
		for at := range v.processes[id].spans() {
			v.apply(record{process: id, width: at.width, start: at.start}, noon)
		}
	}
	if v.bytes != 0 || len(v.processes) != 0 {
		t.Errorf("with nothing remembered %d bytes are counted", v.bytes)
	}
}

// The bound also holds for what somebody else made up: processes with one bucket each, with many causes or with none. Not
// parallel: it measures the process.
func TestViewOfMadeUpRecordsIsBounded(t *testing.T) {
	causes := map[string]float64{}
	for i := range maxCauses {
		causes[strings.Repeat(string(rune('a'+i%26)), 39)+string(rune('a'+i/26))] = 1
	}
	many, err := json.Marshal(Counts{Created: 1, HeldSeconds: causes})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"no causes": `{"created":1,"lag":1,"lagSeconds":1}`, "many causes": string(many)} {
		before := heap()
		v := newView()
		for n := range 150_000 {
			host := fmt.Sprintf("%0128d", n)
			remember(t, v, process{host, fmt.Sprintf("%016x", n)}, fineWidth, noon.Unix()+60*int64(n), value)
			if v.bytes > maxBytes*9/10 {
				break // before the first are forgotten
			}
		}
		if used := heap() - before; used > 3*maxBytes/2 {
			t.Errorf("%s: %d bytes are used by %d processes, %d by the estimate", name, used, len(v.processes), v.bytes)
		}
		runtime.KeepAlive(v)
	}
}

// spans are those of all buckets.
func (p *remembered) spans() map[span]bucket {
	if p == nil {
		return nil
	}
	return maps.Clone(p.buckets)
}

// Readings are made at full minutes, late by milliseconds, and clocks are put back: each event is counted once, in the
// minute in which it came.
func TestRecorder(t *testing.T) {
	t.Parallel()
	var r recorder
	reading := func(created int64, lag *int64) Reading {
		return Reading{Counts: Counts{Created: created}, Now: Now{Lag: lag}}
	}
	type over struct {
		Start   string
		Created int64
		Lag     int64
	}
	var got []over
	for _, step := range []struct {
		at      string
		created int64
		lag     *int64
	}{
		{"12:00:45.001", 3, new(int64(9))},  // since the start of the process
		{"12:01:00.002", 5, new(int64(1))},  // the last of 12:00
		{"12:01:15.002", 6, nil},            //
		{"12:00:30.000", 7, new(int64(4))},  // put back
		{"12:02:00.000", 8, new(int64(2))},  // the last of 12:01
		{"12:05:00.000", 18, new(int64(3))}, // asleep meanwhile
		{"12:06:00.000", 1, new(int64(3))},  // less than before: it counts nothing
	} {
		at, err := time.Parse("15:04:05.000", step.at)
		if err != nil {
			t.Fatal(err)
		}
		now := noon.Add(at.Sub(at.Truncate(24 * time.Hour))).Add(-12 * time.Hour)
		for _, b := range r.take(now, reading(step.created, step.lag)) {
			if b.Width == fineWidth {
				got = append(got, over{time.Unix(b.Start, 0).UTC().Format("15:04"), b.Created, *b.Lag})
			}
		}
	}
	want := []over{{"12:00", 5, 1}, {"12:01", 3, 2}, {"12:02", 10, 3}, {"12:05", 0, 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, b := range r.stillOpen() {
		if b.Width == coarseWidth && b.Created != 18 {
			t.Errorf("the half hour has %d", b.Created)
		}
	}
}

// A process whose clock is ahead deletes of others only what another one's clock calls old, too; of its own what it likes.
func TestClockAheadDeletesNothingOfOthers(t *testing.T) {
	t.Parallel()
	v := newView()
	ahead, honest, gone := numbered(1), numbered(2), numbered(3)
	hear(v, honest, noon)
	hear(v, gone, noon.Add(-coarseKept-time.Hour))
	wrong := noon.Add(10 * 24 * time.Hour)
	hear(v, ahead, wrong)
	for _, p := range []process{honest, gone, ahead} {
		remember(t, v, p, fineWidth, noon.Add(-time.Hour).Unix(), `{"created":1}`)
		remember(t, v, p, fineWidth, noon.Add(-fineKept-time.Hour).Unix(), `{"created":1}`)
		remember(t, v, p, coarseWidth, noon.Add(-25*24*time.Hour).Unix(), `{"created":1}`)
	}
	old := func(p process) string { return p.bucketKey(fineWidth, noon.Add(-fineKept-time.Hour).Unix()) }
	own := []string{ahead.bucketKey(fineWidth, noon.Add(-time.Hour).Unix()), old(ahead), ahead.bucketKey(coarseWidth, noon.Add(-25*24*time.Hour).Unix())}
	for name, c := range map[string]struct {
		now  time.Time
		self process
		want []string
	}{
		"ahead":           {wrong, ahead, append([]string{gone.key(), old(honest), old(gone)}, own...)},
		"right":           {noon, honest, []string{gone.key(), old(honest), old(gone), old(ahead)}},
		"behind by a day": {noon.Add(-24 * time.Hour), honest, nil},
	} {
		got := v.expired(c.now, c.self)
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	alone := newView()
	hear(alone, gone, noon.Add(-time.Hour))
	remember(t, alone, gone, fineWidth, noon.Add(-time.Hour).Unix(), `{"created":1}`)
	if keys := alone.expired(wrong, ahead); len(keys) > 0 {
		t.Errorf("the only one that runs deletes %v, which nobody has called old", keys)
	}
}

// What is in the future makes room before anything that was.
func TestTheFuturePushesNothingOut(t *testing.T) {
	t.Parallel()
	v := newView()
	const honest = 2000
	for i := range int64(honest) {
		remember(t, v, numbered(0), fineWidth, noon.Unix()/60*60-60*i, `{"created":1}`)
	}
	for i := range int64(170_000) {
		remember(t, v, numbered(1), fineWidth, noon.Unix()/60*60+86400*365+60*i, `{"created":1}`)
	}
	if v.bytes > maxBytes {
		t.Errorf("%d bytes", v.bytes)
	}
	if n := len(v.processes[numbered(0)].spans()); n != honest {
		t.Errorf("%d honest buckets are left of %d", n, honest)
	}
	if got := totals(v.history(rangeOf("24h"), noon)); got.Created < 24*60 {
		t.Errorf("the history has %+v", got)
	}
}

// A clock that is put back by a day ends the open buckets, and new ones begin at the time that it shows.
func TestClockThatIsPutBackByADay(t *testing.T) {
	t.Parallel()
	var r recorder
	r.take(noon, Reading{Counts: Counts{Created: 1}})
	back := noon.Add(-24 * time.Hour)
	if r.wentBack(noon.Add(-clockSlack)) || !r.wentBack(back) {
		t.Error("what counts as put back")
	}
	var got []int64
	for _, b := range r.take(back, Reading{Counts: Counts{Created: 3}}) {
		got = append(got, int64(b.Width/time.Second), b.Start-noon.Unix(), b.Created)
	}
	if len(got) != 6 || got[2] != 3 || got[5] != 3 {
		t.Errorf("over are %v", got)
	}
	for _, b := range r.take(back.Add(fineWidth), Reading{Counts: Counts{Created: 7}}) {
		if b.Start != back.Unix() || b.Created != 4 {
			t.Errorf("after it %+v", b)
		}
	}
}

// Lags of replicas are added minute by minute, holds are not, and a step of which nothing is known has no point.
func TestHistoryPutsReplicasTogether(t *testing.T) {
	t.Parallel()
	v := newView()
	start := noon.Add(-10 * time.Minute).Unix()
	remember(t, v, numbered(1), fineWidth, start, `{"created":1,"lag":5,"lagSeconds":3,"heldSeconds":{"outage":40,"throttle":1}}`)
	remember(t, v, numbered(2), fineWidth, start, `{"created":2,"lag":7,"lagSeconds":1,"heldSeconds":{"outage":30}}`)
	remember(t, v, numbered(2), fineWidth, start+60, `{"letters":1}`)
	remember(t, v, numbered(3), fineWidth, noon.Add(time.Hour).Unix(), `{"created":100}`)    // of a clock that is ahead
	remember(t, v, numbered(3), fineWidth, noon.Add(-2*time.Hour).Unix(), `{"created":100}`) // before the range
	remember(t, v, numbered(3), coarseWidth, noon.Add(-time.Hour).Unix(), `{"created":100}`) // of the other width
	got := v.history(rangeOf("1h"), noon)
	want := []Point{
		{T: start + 60, Counts: Counts{Created: 3, HeldSeconds: map[string]float64{"outage": 40, "throttle": 1}}, Lag: new(int64(12)), LagSeconds: new(3.0)},
		{T: start + 120, Counts: Counts{Letters: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzDecode: whatever the topic holds, reading it does not panic, and what is read is within bounds.
func FuzzDecode(f *testing.F) {
	p := numbered(1)
	f.Add([]byte(p.key()), []byte(`{"at":"2026-05-01T12:00:00Z","state":"held","open":[{"seconds":60,"start":60}]}`))
	f.Add([]byte(p.bucketKey(fineWidth, 60)), []byte(`{"created":1,"heldSeconds":{"outage":1}}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, err := decode(key, value)
		if err != nil {
			return
		}
		v := newView()
		v.apply(r, noon)
		for _, one := range Ranges() {
			for _, point := range v.history(one, noon) {
				if point.Created < 0 || point.Letters < 0 {
					t.Errorf("%+v", point)
				}
			}
		}
		v.replicas(noon, p)
		v.expired(noon, process{})
	})
}

// What another process may have written of its times can be shown, or is skipped: the page has all replicas in one answer.
func TestTimesThatAreReadCanBeShown(t *testing.T) {
	t.Parallel()
	for at, taken := range map[string]bool{
		"2026-05-01T12:00:00Z": true, "2026-05-01T12:00:00.5+03:00": true, "2026-05-01T12:00:00+24:00": true,
		"9999-12-31T23:59:59-23:59": false, "0000-01-01T00:00:00+23:59": false,
	} {
		for _, value := range []string{`{"at":"` + at + `","state":"held"}`, `{"at":"2026-05-01T12:00:00Z","started":"` + at + `","state":"held"}`} {
			r, err := decode([]byte(numbered(1).key()), []byte(value))
			if (err == nil) != taken {
				t.Errorf("%s: %v", value, err)
			}
			if err != nil {
				continue
			}
			v := newView()
			v.apply(r, noon)
			if _, err := json.Marshal(v.replicas(noon, numbered(2))); err != nil {
				t.Errorf("%s: %v", value, err)
			}
		}
	}
}

// hear adds a process's record about itself to a view.
func hear(v *view, p process, at time.Time, partitions ...int) {
	v.apply(record{process: p, heard: &heard{At: at, Now: Now{State: "delivering", Partitions: partitions}}}, noon)
}

// A replica whose clock is ahead, or was, is no more there than one whose clock is late: it would own its partitions until
// that time comes.
func TestReplicaOfTheFutureIsGone(t *testing.T) {
	t.Parallel()
	v := newView()
	hear(v, numbered(1), noon.Add(goneAfter), 0)
	hear(v, numbered(2), noon.Add(goneAfter+time.Second), 1)
	hear(v, numbered(3), noon.Add(shownGone+time.Second), 2)
	all := v.replicas(noon, process{})
	if len(all) != 2 || all[0].Gone || len(all[0].Partitions) != 1 || !all[1].Gone || len(all[1].Partitions) != 0 {
		t.Errorf("%+v", all)
	}
}

// However many processes the topic has, the page gets a bounded number of them, first those that are not gone.
func TestReplicasShownAreBounded(t *testing.T) {
	t.Parallel()
	v := newView()
	for n := range 5000 {
		hear(v, numbered(n), noon.Add(-time.Hour))
	}
	hear(v, numbered(7000), noon, 7)
	all := v.replicas(noon, process{})
	if len(all) != maxShown || !slices.IsSortedFunc(all, func(a, b Replica) int { return strings.Compare(a.Host, b.Host) }) ||
		!slices.ContainsFunc(all, func(r Replica) bool { return r.Host == "web-7000" && len(r.Partitions) == 1 }) {
		t.Errorf("%d replicas are shown", len(all))
	}

	v = newView()
	for n := range 300 {
		hear(v, numbered(n), noon, slices.Repeat([]int{99999}, maxPartitions)...)
	}
	text, err := json.Marshal(v.replicas(noon, process{}))
	if err != nil || len(text) > 1<<20 {
		t.Errorf("the page has %d bytes of replicas, %v", len(text), err)
	}
}

// The highest counts that are read add up, however many they are.
func TestSumsOfWhatIsReadFit(t *testing.T) {
	t.Parallel()
	b := bucket{Counts: Counts{Created: maxCount}}
	if err := b.check(); err != nil {
		t.Fatal(err)
	}
	most := int64(maxBytes / (&bucket{}).bytes())
	if int64(maxCount) > math.MaxInt64/most {
		t.Errorf("%d counts of %d do not fit", most, int64(maxCount))
	}
}
