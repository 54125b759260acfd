package phrase

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestASentenceNamesItsValues(t *testing.T) {
	got := New("no_topic", "the topic {topic} does not exist: correct {setting}", "topic", "{setting}", "setting", "KAFKA_TOPIC")
	if got.String() != "the topic {setting} does not exist: correct KAFKA_TOPIC" {
		t.Errorf("in English: %s", got)
	}
	if want := map[string]string{"topic": "{setting}", "setting": "KAFKA_TOPIC"}; !reflect.DeepEqual(got[0].Params, want) {
		t.Errorf("it names %v", got[0].Params)
	}
}

func TestTextsAreJSONStrings(t *testing.T) {
	both := append(New("a", "One."), Verbatim("Two.")...)
	raw, err := json.Marshal(struct{ Advice, None Text }{both, nil})
	if err != nil || string(raw) != `{"Advice":"One. Two.","None":""}` {
		t.Errorf("%s, %v", raw, err)
	}
	var back struct{ Advice Text }
	if err := json.Unmarshal(raw, &back); err != nil || back.Advice.String() != "One. Two." {
		t.Errorf("%s, %v", back.Advice, err)
	}
	raw, err = json.Marshal([]Sentence(both))
	if err != nil || string(raw) != `[{"id":"a","text":"One."},{"text":"Two."}]` {
		t.Errorf("%s, %v", raw, err)
	}
}
