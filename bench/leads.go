package main

import (
	"fmt"
	"strconv"
	"strings"
)

// lead is an event as a website sends it.
type lead struct {
	key, id, value string
}

// newLead makes the n-th lead. Every one is another person, and the e-mail
// tells which one a contact was made of.
func newLead(n int) lead {
	first := [...]string{"Иван", "Мария", "Алексей", "Ольга", "Дмитрий", "Анна", "Тимур", "Елена"}
	last := [...]string{"Петренко", "Ким", "Мельник", "Шевчук", "Гончар", "Коваль", "Черных", "Бондарь", "Ткач"}
	email := fmt.Sprintf("lead.%d@example.com", n)
	return lead{
		key: email,
		id:  fmt.Sprintf("msg_%08d", n),
		value: fmt.Sprintf(`{"name":"%s %s","phone":"%s","email":"%s","message":"Перезвоните мне, пожалуйста",`+
			`"utm_source":"yandex","utm_medium":"cpc","city":"Омск","formid":"form49142221","tranid":"1234567:%d"}`,
			first[n%len(first)], last[n/3%len(last)], phone(n), strings.ToUpper(email[:1])+email[1:], n),
	}
}

// phone is the n-th number, spelled in one of the ways in which people do.
func phone(n int) string {
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

// leadOf tells which lead has an e-mail.
func leadOf(email string) (int, bool) {
	text, ok := strings.CutPrefix(strings.ToLower(email), "lead.")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "@example.com"))
	return n, err == nil
}
