package stage

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"time"
)

func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339Nano) }

// said is a sentence of the server as the page gets it.
func said(id string, params map[string]string) []map[string]any {
	sentence := map[string]any{"id": id, "text": "a sentence of the server in English"}
	if params != nil {
		sentence["params"] = params
	}
	return []map[string]any{sentence}
}

// Delivering is a state in which all is well.
func Delivering() map[string]any {
	partitions := []map[string]any{}
	for i := range 6 {
		owner := "this"
		if i > 3 {
			owner = "other"
		}
		partitions = append(partitions, map[string]any{
			"partition": i, "owner": owner, "committed": 120340 + i*311, "logEnd": 120352 + i*311, "lag": 12 - i,
			"lagSeconds": 0.4 * float64(i), "unfinished": 12 - i, "suspects": i % 2,
		})
	}
	return map[string]any{
		"now": now(), "version": "v1.0.0", "started": ago(26 * time.Hour), "state": "delivering", "ready": true, "healthy": true, "reason": "",
		"holds": []any{}, "rate": map[string]any{"perSecond": 41.3}, "createdToday": map[string]any{"count": 48211, "since": ago(9 * time.Hour)},
		"waiting": []any{}, "lag": 57, "lagSeconds": 2.1, "partitions": partitions,
		"budget": map[string]any{"perMinute": 300, "windowSeconds": 60, "uses": []map[string]any{
			{"use": "create", "requests": 121, "total": 90211}, {"use": "lookup", "requests": 22, "total": 3120},
			{"use": "replay", "requests": 9, "total": 420}, {"use": "setup", "requests": 1, "total": 61},
		}},
		"crm":     map[string]any{"portal": "shop.bitrix24.ru", "originField": "UF_CRM_LEADBRIDGE_EVENT_ID", "inFlight": 2, "waiting": 14},
		"letters": map[string]any{"open": 41, "asOf": now(), "byReason": byReason()},
		"topics":  map[string]any{"leads": "leads", "deadLetters": "leads.dlt"}, "group": "leadbridge", "member": "m-1", "generation": 7,
	}
}

func byReason() []map[string]any {
	lines := []map[string]any{}
	for i, reason := range []string{"CRM_REFUSED", "NO_CONTACT_POINT", "MALFORMED_EVENT"} {
		trend := make([]int, 24)
		for h := range trend {
			trend[h] = (h*7 + i*3) % (5 + i)
		}
		lines = append(lines, map[string]any{"reason": reason, "open": 21 - 7*i, "replayed": 3, "erased": 0, "trend": trend, "adviceSaid": said("letter_refused", nil)})
	}
	return lines
}

// Held are the parts of a state in which two things hold the delivery.
func Held() map[string]any {
	return map[string]any{
		"state": "held", "reason": "", "ready": false, "rate": map[string]any{"perSecond": 0}, "lag": 12840, "lagSeconds": 5025.0,
		"holds": []map[string]any{
			{"cause": "credentials", "since": ago(83 * time.Minute), "until": time.Now().Add(40 * time.Second).UTC().Format(time.RFC3339Nano), "status": 401, "code": "KEY_EXPIRED", "adviceSaid": said("new_key", nil)},
			{"cause": "dead_letter_topic", "since": ago(12 * time.Minute), "until": "", "adviceSaid": said("topic_unreachable", map[string]string{"topic": `"leads.dlt"`, "setting": "KAFKA_DLT_TOPIC"})},
		},
	}
}

// Replicas are the parts of a state that a state topic adds: three replicas, of which one is gone and one is held.
func Replicas() map[string]any {
	partitions, _ := Delivering()["partitions"].([]map[string]any)
	for i, p := range partitions {
		p["host"] = "leadbridge-6c9f-a"
		if i > 3 {
			p["host"] = "leadbridge-6c9f-b"
		}
	}
	return map[string]any{
		"partitions": partitions,
		"replicas": map[string]any{"asOf": now(), "list": []map[string]any{
			{"host": "leadbridge-6c9f-a", "here": true, "version": "v1.0.0", "started": ago(26 * time.Hour), "heard": ago(8 * time.Second), "gone": false, "state": "delivering", "partitions": []int{0, 1, 2, 3}, "inFlight": 2, "waiting": 14, "lag": 42, "lagSeconds": 1.2},
			{"host": "leadbridge-6c9f-b", "here": false, "version": "v1.0.0", "started": ago(25 * time.Hour), "heard": ago(4 * time.Second), "gone": false, "state": "held", "partitions": []int{4, 5}, "inFlight": 0, "waiting": 3, "lag": 15, "lagSeconds": 2.1, "holds": []string{"outage"}},
			{"host": "leadbridge-77d2-c", "here": false, "version": "v0.9.0", "started": ago(50 * time.Hour), "heard": ago(26 * time.Minute), "gone": true, "state": "stopped", "inFlight": 0, "waiting": 0},
		}},
	}
}

// history answers with what was in a range.
func history(w http.ResponseWriter, r *http.Request) {
	span, step := 24*time.Hour, 5*time.Minute
	switch r.URL.Query().Get("range") {
	case "1h":
		span, step = time.Hour, time.Minute
	case "30d":
		span, step = 30*24*time.Hour, 2*time.Hour
	}
	end := time.Now().Truncate(step).Add(step)
	points, created := []map[string]any{}, 0
	for i := int(span / step); i >= 0; i-- {
		if i > 40 && i < 50 {
			continue // nobody was there
		}
		p := map[string]any{"t": end.Add(-time.Duration(i) * step).Unix(), "created": 40 + 20*(i%7), "lag": i % 5, "lagSeconds": 2 + float64(i%11), "held": 0}
		if i > 20 && i < 26 {
			p["created"], p["letters"], p["matched"], p["held"] = 0, 2, 1, step.Seconds()
		}
		created += p["created"].(int)
		points = append(points, p)
	}
	answer(w, map[string]any{
		"from": ago(span), "to": now(), "stepSeconds": step.Seconds(), "points": points, "asOf": now(),
		"totals": map[string]any{"created": created, "matched": 5, "letters": 10},
		"holds":  []map[string]any{{"cause": "outage", "seconds": 5 * step.Seconds()}},
	})
}

// Waiting are the parts of a state in which nothing is held and events wait.
func Waiting() map[string]any {
	return map[string]any{
		"lag": 12, "lagSeconds": 63.0,
		"waiting": []map[string]any{
			{"why": "suspect", "events": 161, "since": ago(63 * time.Second), "until": time.Now().Add(20 * time.Second).UTC().Format(time.RFC3339Nano)},
			{"why": "order", "events": 1, "since": ago(9 * time.Second)},
		},
	}
}

// Unknown are the parts of a state without a partition.
func Unknown() map[string]any {
	return map[string]any{
		"state": "rebalancing", "ready": false, "lag": nil, "lagSeconds": nil, "partitions": []any{},
		"waiting": []map[string]any{{"why": "rebalance", "events": nil, "since": ago(27 * time.Second)}},
	}
}

func points(end time.Time) []map[string]any {
	all := []map[string]any{}
	for i := 179; i >= 0; i-- {
		all = append(all, point(end.Add(-time.Duration(i)*5*time.Second)))
	}
	return all
}

func point(at time.Time) map[string]any {
	t := float64(at.Unix()) / 60
	letters := 0
	if at.Unix()/5%23 == 0 {
		letters = 2
	}
	return map[string]any{"t": at.Unix(), "created": int(200 + 60*math.Sin(t) + 20*math.Sin(7*t)), "deadLetters": letters, "lagSeconds": math.Max(0, 2+2*math.Sin(t/2)), "lag": 50}
}

func letter(i int) map[string]any {
	reasons := []string{"CRM_REFUSED", "NO_CONTACT_POINT", "MALFORMED_EVENT", "RETRIES_EXHAUSTED"}
	l := map[string]any{
		"place": fmt.Sprintf("%d:%d", i%3, i), "at": ago(time.Duration(10000-i) * 7 * time.Second), "reason": reasons[i%4], "status": 0, "code": "", "message": "",
		"eventId": fmt.Sprintf("ce:/shop order-%d", i), "state": "open", "replays": 0, "attempts": 0, "summary": fmt.Sprintf("А*** П*** · +7916***%04d · a***@example.com", i),
	}
	if i%4 == 0 {
		l["status"], l["code"], l["message"], l["attempts"] = 400, "VALIDATION_ERROR", "The e-mail address *** is not valid.", 1
	}
	return l
}

func whole(l map[string]any, masked bool) map[string]any {
	w := map[string]any{
		"masked": masked, "editable": true, "valueOmitted": false, "key": "***", "value": `{"fullName":"***","phone":"***","email":"***","budget":"***"}`,
		"original": map[string]any{"topic": "leads", "partition": 0, "offset": 4711, "timestamp": l["at"]}, "adviceSaid": said("letter_refused", nil),
		"headers": []map[string]any{{"name": "dlt-reason", "value": l["reason"]}, {"name": "dlt-version", "value": "v1.0.0"}},
		"contact": map[string]any{"name": "***", "lastName": "***", "phone": []any{map[string]any{"typeId": "MOBILE", "value": "***"}}},
		"steps": []map[string]any{
			{"field": "fullName", "input": "***", "value": "***", "outcome": "normalised", "whySaid": said("part_of_name", nil)},
			{"field": "phone", "input": "***", "value": "***", "outcome": "normalised"},
			{"field": "email", "input": "***", "value": "", "outcome": "unusable", "whySaid": said("no_email", nil)},
			{"field": "budget", "input": "***", "value": "", "outcome": "to comments", "whySaid": said("no_such_field", nil)},
		},
	}
	if !masked {
		w["key"], w["value"] = "a.petrov@example.com", `{"fullName":"Петров Андрей","phone":"8 (916) 123-45-67","email":"a.petrov@examplecom","budget":12345678901234567890}`
		w["contact"] = map[string]any{"name": "Андрей", "lastName": "Петров", "phone": []any{map[string]any{"typeId": "MOBILE", "value": "+79161234567"}}}
	}
	maps.Copy(w, l)
	return w
}
