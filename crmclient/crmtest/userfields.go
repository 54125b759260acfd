package crmtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// userPrefix begins the name of each user field.
const userPrefix = "UF_CRM_"

// userField is one user field as /v1/userfields/{entity} shows it.
type userField struct {
	ID         int64  `json:"id"`
	EntityID   string `json:"entityId"`
	FieldName  string `json:"fieldName"`
	UserTypeID string `json:"userTypeId"`
	Label      string `json:"label"`
	Multiple   string `json:"multiple"`
	Mandatory  string `json:"mandatory"`
	ShowFilter string `json:"showFilter"`
}

// kind returns the type by which values of the field are checked.
func (u *userField) kind() kind {
	switch {
	case u.Multiple == "Y":
		return kindAnything
	case u.UserTypeID == "string":
		return kindText
	default:
		return kindAnything
	}
}

// is reports whether a name is one of the field's. The name may lack the prefix; neither case nor underscores count.
func (u *userField) is(name string) bool { return fieldKey(u.FieldName) == fieldKey(userName(name)) }

// userFields are the portal's user fields of one kind. The simulator's lock guards them.
type userFields struct {
	entity  string // such as CRM_CONTACT
	all     []*userField
	last    int64 // the last id
	version int   // grows with each change
}

func (u *userFields) find(name string) *userField {
	for _, f := range u.all {
		if f.is(name) {
			return f
		}
	}
	return nil
}

func (u *userFields) add(f userField) *userField {
	u.last++
	u.version++
	f.ID, f.EntityID, f.FieldName = u.last, u.entity, userName(f.FieldName)
	if f.Label == "" {
		f.Label = f.FieldName
	}
	u.all = append(u.all, &f)
	return &f
}

// userName returns the name under which the portal stores a user field, such as UF_CRM_X for X, UF_CRM_X, ufCrm_X and ufCrmX.
func userName(name string) string {
	upper := strings.ToUpper(name)
	for _, prefix := range [...]string{userPrefix, "UFCRM_", "UFCRM"} {
		if rest, ok := strings.CutPrefix(upper, prefix); ok {
			return userPrefix + rest
		}
	}
	return userPrefix + upper
}

// DeleteUserField deletes a user field of contacts with its values.
func (s *Simulator) DeleteUserField(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.contacts()
	if f := t.userFields.find(name); f != nil {
		t.dropUserField(f)
	}
}

// planUserFields lists the user fields, or only the one that the query names by fieldName.
func (s *Simulator) planUserFields(t *table, query url.Values) (*plan, *failure) {
	return planOf(http.StatusOK, s.withRights(t, &item{do: func(time.Time) (any, any, *failure) {
		found := []*userField{}
		wanted := cmp.Or(query.Get("fieldName"), query.Get("filter[fieldName]"))
		for _, f := range t.userFields.all {
			if wanted == "" || f.is(wanted) {
				found = append(found, f)
			}
		}
		return found, page{Total: len(found)}, nil
	}})), nil
}

// planNewUserField makes a user field if the key has the rights to the kind of object, and may make fields.
func (s *Simulator) planNewUserField(t *table, body []byte) (*plan, *failure) {
	var f userField
	if json.Unmarshal(body, &f) != nil || f.FieldName == "" || f.UserTypeID == "" {
		return nil, invalid("MISSING_PARAMS", "fieldName and userTypeId are required")
	}
	return planOf(http.StatusCreated, s.withRights(t, &item{do: func(time.Time) (any, any, *failure) {
		switch {
		case !s.opts.UserFields:
			return nil, nil, &failure{Status: http.StatusForbidden, Code: "BITRIX_ACCESS_DENIED", Message: "Access denied"}
		case t.userFields.find(f.FieldName) != nil:
			return nil, nil, &failure{Status: http.StatusConflict, Code: "ALREADY_EXISTS", Message: "The field exists already"}
		}
		return t.userFields.add(f), nil, nil
	}})), nil
}

// UserFieldsOf returns the names of a kind's user fields, oldest first.
func (s *Simulator) UserFieldsOf(entity string) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.tables[entity].userFields.all {
		names = append(names, f.FieldName)
	}
	return names
}
