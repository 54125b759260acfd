package transform

import (
	"fmt"
	"testing"
)

// BenchmarkContact is all that the consumer asks of this package for a
// record, by what the record looks like.
func BenchmarkContact(b *testing.B) {
	for _, c := range []struct {
		name    string
		mapping string
		records []Record
	}{
		{name: "website", records: websiteLeads()},
		{name: "flat", records: alone(record(`{"name":"Иван Петров","phone":"8 (916) 123-45-67","email":"Ivan@Company.RU","comment":"call me after six"}`))},
		{name: "e164", records: alone(record(`{"firstName":"Ivan","lastName":"Petrov","phone":"+79161234567","email":"ivan@company.ru"}`, "webhook-id", "msg_1"))},
		{name: "snake", records: alone(record(`{"first_name":"Мария","last_name":"Ким","phone_number":"89161234567","e_mail":"m.kim@company.ru","utm_source":"yandex",`+
			`"utm_medium":"cpc","utm_campaign":"осень","comments":"после шести\nне звонить"}`, "webhook-id", "msg_1"))},
		{name: "structured", records: alone(record(`{"specversion":"1.0","id":"signup-17","source":"/site/signup","type":"lead.created","time":"2026-01-02T03:04:05Z",`+
			`"data":{"first_name":"Анна","last_name":"Коваль","email":"anna@company.ru","mobile":"8 (916) 123-45-67"}}`, "content-type", "application/cloudevents+json"))},
		{name: "binary", records: alone(record(`{"name":"Ольга","surname":"Ткач","email":"olga@company.ru","position":"Закупки"}`, "ce_specversion", "1.0", "ce_id", "order-17",
			"ce_source", "/site/orders", "ce_type", "order.placed", "content-type", "application/json"))},
		{name: "idn", records: alone(record(`{"name":"Юлия","email":"Юлия <yulia@почта.рф>"}`, "webhook-id", "msg_1"))},
		{name: "escaped", records: alone(record(`{"name":"\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432","phone":"+7 (916) 123-45-67","email":"ivan@company.ru"}`))},
		{name: "lists", records: alone(record(`{"name":"Тимур","phones":["8 916 123-45-67","+79031112233","+49 30 901820"],"emails":"a@company.ru; b@example.org"}`))},
		{name: "objects", records: alone(record(`{"name":{"first":"Тимур","last":"Ким"},"phone":[{"value":"+79161234567","typeId":"WORK"}],` +
			`"email":[{"value":"a@company.ru","typeId":"HOME"}],"utm":{"source":"yandex"},"order":{"id":17,"items":[{"sku":"a-1","price":99.5}]}}`))},
		{name: "abroad", records: alone(record(`{"name":"John Smith","phone":"+1 (202) 555-0123","email":"john@example.com","country":"US"}`))},
		{name: "typeform", mapping: "preset:typeform", records: alone(record(`{"event_id":"01HX000017","event_type":"form_response","form_response":{"answers":[` +
			`{"type":"text","text":"Елена","field":{"ref":"first_name"}},{"type":"email","email":"elena@company.ru","field":{"ref":"email"}},` +
			`{"type":"phone_number","phone_number":"+79161234567","field":{"ref":"phone"}}]}}`))},
		{name: "facebook", mapping: "preset:facebook-leads", records: alone(record(`{"id":"990017","field_data":[{"name":"full_name","values":["Елена Бондарь"]},` +
			`{"name":"email","values":["elena@company.ru"]},{"name":"phone_number","values":["+79161234567"]}]}`))},
	} {
		b.Run(c.name, func(b *testing.B) {
			benchmarkContact(b, newTransformer(b, Options{SourceID: "WEB", Mapping: c.mapping}), c.records)
		})
	}
}

func benchmarkContact(b *testing.B, tr *Transformer, records []Record) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e, err := tr.Decode(records[i%len(records)])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tr.Contact(e); err != nil {
			b.Fatal(err)
		}
	}
}

// websiteLeads are leads of different people, each with a phone as people
// type it.
func websiteLeads() []Record {
	first := [...]string{"Иван", "Мария", "Алексей", "Ольга", "Дмитрий", "Анна", "Тимур", "Елена"}
	last := [...]string{"Петренко", "Ким", "Мельник", "Шевчук", "Гончар", "Коваль", "Черных", "Бондарь", "Ткач"}
	phones := [...]string{"8 (9%02d) %03d-%02d-%02d", "+7 9%02d %03d %02d %02d", "+7-9%02d-%03d-%02d%02d", "9%02d%03d%02d%02d"}
	codes := [...]int{3, 5, 9, 15, 16, 25, 26, 63, 85, 99}
	records := make([]Record, 500)
	for n := range records {
		phone := fmt.Sprintf(phones[n%len(phones)], codes[n%len(codes)], 100+n*7%900, n*13%100, n*31%100)
		records[n] = record(fmt.Sprintf(`{"name":"%s %s","phone":"%s","email":"Lead.%d@example.com","message":"Перезвоните мне, пожалуйста",`+
			`"utm_source":"yandex","utm_medium":"cpc","city":"Омск","formid":"form49142221","tranid":"1234567:%d"}`,
			first[n%len(first)], last[n/3%len(last)], phone, n, n), "webhook-id", fmt.Sprintf("msg_%08d", n))
	}
	return records
}

func alone(r Record) []Record { return []Record{r} }

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
