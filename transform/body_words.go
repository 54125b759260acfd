package transform

import (
	"strconv"
	"strings"
	"sync"
)

// isContainer reports whether a name may be that of an object with a person or a form: all of its words are in the
// lists.
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

// The words of names of objects that hold a person. Those of an agent, a
// manager, an operator, an employee or a company are never looked at.
const personWords = `contact contacts person persons people visitor client customer user users lead leads buyer subscriber applicant member guest registrant attendee billing profile identity traits
	контакт контакты клиент лид заявка пользователь покупатель посетитель контактные
	контакти клієнт заявка
	kunde kontakt cliente contacto contato utilisateur musteri`

// attributeWords are the names of objects that belong to the object around them.
const attributeWords = `fields field attributes attribute properties property merges merge custom answers answer values responses response questions question namedvalues named
	поля ответы анкета`

// envelopeWords are the names of objects around a form or a person.
const envelopeWords = `data object payload form forms record records body message event events params param parameters submission submissions request result results item items entry entries detail details info information input inputs row new add update list column raw context content order
	данные форма сообщение`

// isPerson reports whether an object is called a person, not a form.
func isPerson(key string) bool {
	for _, w := range keyWords(key) {
		if personSet()[w] {
			return true
		}
	}
	return false
}

var personSet = sync.OnceValue(func() map[string]bool { return wordSet(personWords) })

// isAttribute reports whether the object under a name belongs to the one around it.
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

// isContactKey reports whether an object holds the contact points of the
// person that the object around it names.
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

// nested expands the names that PHP and dotted paths give to nested values:
// lead[phone], fields[0][name], contact.email. Other members stay as they are.
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

// maxPathKeys is how many of such names are expanded in one object.
const maxPathKeys = 1000

func hasPathKey(o object) bool {
	for _, m := range o {
		if len(pathOf(m.key)) > 1 {
			return true
		}
	}
	return false
}

// pathOf cuts a name into its steps. A name of one step is not a path.
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

// insert puts a value at its place, beside a value that is there already.
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
