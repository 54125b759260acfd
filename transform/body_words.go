package transform

import (
	"strconv"
	"strings"
	"sync"
)

// isContainer reports whether an object with this name may hold a person or a form: all words of the name are in the
// lists below.
func isContainer(key string) bool {
	if _, err := strconv.Atoi(key); err == nil || key == "" {
		return true // an element of a list that PHP wrote as an object
	}
	words := keyWords(key)
	for _, w := range words {
		if !containerWords()[w] {
			return false
		}
	}
	return len(words) > 0 && len(key) <= maxFieldName
}

var containerWords = sync.OnceValue(func() map[string]bool {
	return wordSet(personWords + " " + attributeWords + " " + envelopeWords)
})

// personWords are the words of names of objects that hold a person. Objects of an agent, a manager, an operator, an
// employee or a company are never searched, as their contact points are not the lead's.
const personWords = `contact contacts person persons people visitor client customer user users lead leads buyer subscriber applicant member guest registrant attendee billing profile identity traits
	контакт контакты клиент лид заявка пользователь покупатель посетитель контактные
	контакти клієнт заявка
	kunde kontakt cliente contacto contato utilisateur musteri`

// attributeWords are the words of names of objects that are a part of the object around them.
const attributeWords = `fields field attributes attribute properties property merges merge custom answers answer values responses response questions question namedvalues named
	поля ответы анкета`

// envelopeWords are the words of names of objects around a form or a person.
const envelopeWords = `data object payload form forms record records body message event events params param parameters submission submissions request result results item items entry entries detail details info information input inputs row new add update list column raw context content order
	данные форма сообщение`

// isPerson reports whether the name of an object says that it is a person.
func isPerson(key string) bool {
	for _, w := range keyWords(key) {
		if personSet()[w] {
			return true
		}
	}
	return false
}

var personSet = sync.OnceValue(func() map[string]bool { return wordSet(personWords) })

// isAttribute reports whether the name of an object says that it is a part of the object around it.
func isAttribute(key string) bool {
	words := keyWords(key)
	for _, w := range words {
		if attributeSet()[w] {
			return true
		}
	}
	return false
}

var attributeSet = sync.OnceValue(func() map[string]bool { return wordSet(attributeWords) })

// isContactKey reports whether the name of an object says that it holds contact points. They belong to the person that is
// named in the object around it.
func isContactKey(key string) bool {
	for _, w := range keyWords(key) {
		if strings.HasPrefix(w, "contact") || strings.HasPrefix(w, "контакт") || strings.HasPrefix(w, "kontakt") {
			return true
		}
	}
	return false
}

// isAddressKey reports whether a path ends with the name of a postal address or a place.
func isAddressKey(path string) bool {
	name := path[strings.LastIndexByte(path, '.')+1:]
	for _, w := range keyWords(name) {
		switch w {
		case "address", "location", "geo", "адрес", "адреса", "adresse", "direccion", "endereco", "billing", "shipping":
			return true
		}
	}
	return false
}

// nested turns members whose names are paths (lead[phone], fields[0][name], contact.email) into nested objects. Other
// members stay as they are.
func nested(o object) object {
	if !hasPathKey(o) {
		return o
	}
	out, paths := make(object, 0, len(o)), 0
	for _, m := range o {
		steps := pathOf(m.key)
		if len(steps) < 2 || paths == maxPathKeys {
			out = append(out, m)
			continue
		}
		paths++
		out = insert(out, steps, m.value)
	}
	return out
}

// maxPathKeys is how many paths are expanded in one object.
const maxPathKeys = 1000

func hasPathKey(o object) bool {
	for _, m := range o {
		if len(pathOf(m.key)) > 1 {
			return true
		}
	}
	return false
}

// pathOf splits a name into the steps of its path. A name with fewer than two steps is not a path.
func pathOf(key string) []string {
	if len(key) > 4*maxFieldName {
		return nil
	}
	if head, rest, ok := strings.Cut(key, "["); ok && head != "" && strings.HasSuffix(rest, "]") {
		steps := append([]string{head}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
		if last := len(steps) - 1; steps[last] == "" { // phone[]: a list of values
			steps = steps[:last]
		}
		return steps
	}
	head, _, ok := strings.Cut(key, ".")
	if ok && isContainer(head) && !strings.ContainsAny(key, " ?!") && keyWords(head) != nil {
		return strings.Split(key, ".")
	}
	return nil
}

// insert adds a value to an object at the end of a path of names. A value that is there already is kept beside it.
func insert(o object, steps []string, value any) object {
	if len(steps) == 1 {
		return append(o, member{steps[0], value})
	}
	for i := range o {
		if inner, ok := o[i].value.(object); ok && o[i].key == steps[0] {
			o[i].value = insert(inner, steps[1:], value)
			return o
		}
	}
	return append(o, member{steps[0], insert(object{}, steps[1:], value)})
}
