package demo

import (
	"fmt"
	"math/rand/v2"
)

// person is someone who fills in a form.
type person struct {
	n           int // unique in the demo
	first, last string
	latin       string // the name in Latin letters, for the e-mail address
}

var (
	firstNames = []struct{ name, latin string }{
		{"Иван", "ivan"}, {"Мария", "maria"}, {"Алексей", "alexey"}, {"Ольга", "olga"}, {"Дмитрий", "dmitry"},
		{"Анна", "anna"}, {"Тимур", "timur"}, {"Елена", "elena"}, {"Лукас", "lucas"}, {"София", "sofia"},
	}
	lastNames = []struct{ name, latin string }{
		{"Петренко", "petrenko"}, {"Ким", "kim"}, {"Мельник", "melnik"}, {"Шевчук", "shevchuk"}, {"Гончар", "gonchar"},
		{"Коваль", "koval"}, {"Черных", "chernykh"}, {"Бондарь", "bondar"}, {"Ткач", "tkach"}, {"Седых", "sedykh"},
	}
	mobileCodes = []int{903, 905, 909, 915, 916, 925, 926, 963, 985, 999}
)

func newPerson(r *rand.Rand, n int) person {
	first, last := firstNames[r.IntN(len(firstNames))], lastNames[r.IntN(len(lastNames))]
	return person{n: n, first: first.name, last: last.name, latin: first.latin + "." + last.latin}
}

func (p person) email() string { return fmt.Sprintf("%s.%d@example.com", p.latin, p.n) }

// phone returns the person's number in E.164.
func (p person) phone() string { return fmt.Sprintf("+7%d%07d", p.code(), p.number()) }

func (p person) code() int   { return mobileCodes[p.n%len(mobileCodes)] }
func (p person) number() int { return 1_000_000 + p.n*7919%8_000_000 }

// typed returns the number in one of the ways in which people type it.
func (p person) typed() string {
	n := p.number()
	a, b, c := n/10000, n/100%100, n%100
	switch p.n % 4 {
	case 0:
		return fmt.Sprintf("8 (%d) %03d-%02d-%02d", p.code(), a, b, c)
	case 1:
		return fmt.Sprintf("+7 %d %03d %02d %02d", p.code(), a, b, c)
	case 2:
		return fmt.Sprintf("tel:+7-%d-%03d-%02d%02d", p.code(), a, b, c)
	}
	return fmt.Sprintf("%d%07d", p.code(), n)
}
