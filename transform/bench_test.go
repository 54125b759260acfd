package transform

import "testing"

func BenchmarkDecodeAndContact(b *testing.B) {
	tr := newTransformer(b, Options{SourceID: "WEB"})
	r := record(`{"name":"Петров Иван Сергеевич","phone":"8 (916) 123-45-67","email":"Ivan.Petrov@Example.com","message":"Перезвоните мне",` +
		`"utm_source":"yandex","utm_medium":"cpc","city":"Омск","formid":"form123","tranid":"111:222"}`)
	b.ReportAllocs()
	for b.Loop() {
		e, err := tr.Decode(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tr.Contact(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	tr := newTransformer(b, Options{})
	r := record(`{"name":"Петров Иван Сергеевич","phone":"8 (916) 123-45-67","email":"Ivan.Petrov@Example.com","message":"Перезвоните мне"}`, "webhook-id", "msg_1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Decode(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplitName(b *testing.B) {
	for b.Loop() {
		splitName("Калинина Марина")
	}
}
