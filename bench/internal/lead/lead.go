// Package lead makes the events that benchmarks send: website leads, each of another person.
package lead

import (
	"fmt"
	"strconv"
	"strings"
)

// Lead is an event as a website sends it.
type Lead struct {
	Key, ID, Value string // the record's key, its header webhook-id, its value: JSON
}

// New makes the n-th lead. Every one is another person, and the e-mail
// tells which one a contact was made of.
func New(n int) Lead {
	first := [...]string{"Иван", "Мария", "Алексей", "Ольга", "Дмитрий", "Анна", "Тимур", "Елена"}
	last := [...]string{"Петренко", "Ким", "Мельник", "Шевчук", "Гончар", "Коваль", "Черных", "Бондарь", "Ткач"}
	email := fmt.Sprintf("lead.%d@example.com", n)
	return Lead{
		Key: email,
		ID:  fmt.Sprintf("msg_%08d", n),
		Value: fmt.Sprintf(`{"name":"%s %s","phone":"%s","email":"%s","message":"Перезвоните мне, пожалуйста",`+
			`"utm_source":"yandex","utm_medium":"cpc","city":"Омск","formid":"form49142221","tranid":"1234567:%d"}`,
			first[n%len(first)], last[n/3%len(last)], Phone(n), strings.ToUpper(email[:1])+email[1:], n),
	}
}

// Phone is the n-th number, spelled in one of the ways in which people do.
func Phone(n int) string {
	codes := [...]int{903, 905, 909, 915, 916, 925, 926, 963, 985, 999}
	code, number := codes[n%len(codes)], 1_000_000+n*7919%8_000_000
	a, b, c := number/10000, number/100%100, number%100
	switch n % 4 {
	case 0:
		return fmt.Sprintf("8 (%d) %03d-%02d-%02d", code, a, b, c)
	case 1:
		return fmt.Sprintf("+7 %d %03d %02d %02d", code, a, b, c)
	case 2:
		return fmt.Sprintf("+7-%d-%03d-%02d%02d", code, a, b, c)
	}
	return fmt.Sprintf("%d%07d", code, number)
}

// Of tells which lead has an e-mail, in any case of its letters.
func Of(email string) (int, bool) {
	text, ok := strings.CutPrefix(strings.ToLower(email), "lead.")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "@example.com"))
	return n, err == nil
}
