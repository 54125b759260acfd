package crm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// field describes a field of contacts, as GET /v1/contacts/fields does.
type field struct {
	Type     string `json:"type"`
	ReadOnly bool   `json:"isReadOnly"`
	Multiple bool   `json:"isMultiple"`
}

// documentedFields returns the fields of contacts that the vendor's reference lists.
func documentedFields() map[string]field {
	return map[string]field{
		"id": {Type: "number", ReadOnly: true}, "createdBy": {Type: "number", ReadOnly: true}, "updatedBy": {Type: "number", ReadOnly: true},
		"createdTime": {Type: "datetime", ReadOnly: true}, "updatedTime": {Type: "datetime", ReadOnly: true},
		"name": {Type: "string"}, "lastName": {Type: "string"}, "secondName": {Type: "string"}, "post": {Type: "string"},
		"comments": {Type: "string"}, "typeId": {Type: "string"}, "sourceId": {Type: "string"}, "sourceDescription": {Type: "string"},
		"honorific": {Type: "string"}, "companyId": {Type: "number"}, "assignedById": {Type: "number"}, "leadId": {Type: "number"},
		"opened": {Type: "boolean"}, "export": {Type: "boolean"},
		"phone": {Type: multifield, Multiple: true}, "email": {Type: multifield, Multiple: true},
	}
}

const multifield = "crm_multifield"

// known returns all fields of this portal. The caller holds mu.
func (p *Portal) known() map[string]field {
	all := documentedFields()
	if p.config.IDStore == OriginID {
		all["originId"], all["originatorId"] = field{Type: "string"}, field{Type: "string"}
	}
	for name := range p.userFields {
		all[name] = field{Type: "string"}
	}
	return all
}

func (p *Portal) fields() map[string]field {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known()
}

// check returns the answer to a value that does not fit the field, nil when it fits.
func (f field) check(name string, value any) *answer {
	ok := value == nil
	switch f.Type {
	case multifield:
		if isNative(value) {
			return new(failure(http.StatusBadRequest, "INVALID_MULTIFIELD_SHAPE", name+": use value and typeId"))
		}
		ok = ok || len(texts(value)) > 0
	case "number":
		_, is := value.(float64)
		ok = ok || is
	case "boolean":
		_, is := value.(bool)
		ok = ok || is
	default:
		_, is := value.(string)
		ok = ok || is
	}
	if ok {
		return nil
	}
	return new(failure(http.StatusBadRequest, "INVALID_PARAMS", fmt.Sprintf("%s is not a valid %s", name, f.Type)))
}

// isNative reports whether a phone or e-mail has the native form, in upper case.
func isNative(value any) bool {
	items, _ := value.([]any)
	return slices.ContainsFunc(items, func(item any) bool {
		object, _ := item.(map[string]any)
		_, upper := object["VALUE"]
		return upper
	})
}

// me describes the key.
func (p *Portal) me() answer {
	me := map[string]any{
		"type": "personal", "portal": "stand-in.bitrix24.example", "scopes": []string{"crm"},
		"expiresAt": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	}
	if p.config.PerSecond > 0 {
		me["rateLimit"] = map[string]int{"requestsPerSecond": p.config.PerSecond}
	}
	return success(http.StatusOK, me)
}

// statuses lists what a contact's typeId and sourceId may be.
func statuses(entity string) answer {
	ids := map[string][]string{
		"CONTACT_TYPE": {"CLIENT", "SUPPLIER", "PARTNER", "OTHER"},
		"SOURCE":       {"CALL", "EMAIL", "WEB", "WEBFORM", "ADVERTISING", "OTHER"},
	}[entity]
	rows := make([]map[string]string, len(ids))
	for i, id := range ids {
		rows[i] = map[string]string{"entityId": entity, "statusId": id, "name": id}
	}
	return success(http.StatusOK, rows)
}

func (p *Portal) listUserFields(name string) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := []map[string]any{}
	for own := range p.userFields {
		native := "UF_CRM_" + strings.TrimPrefix(own, "ufCrm_")
		if name == "" || name == native || name == own || native == "UF_CRM_"+name {
			rows = append(rows, map[string]any{"id": len(rows) + 1, "fieldName": native, "userTypeId": "string"})
		}
	}
	return success(http.StatusOK, rows)
}

func (p *Portal) makeUserField(params []byte) answer {
	if p.config.IDStore == NoIDStore {
		return failure(http.StatusForbidden, "BITRIX_ACCESS_DENIED", "the key's user must not make user fields")
	}
	var want struct{ UserTypeID, FieldName string }
	if err := json.Unmarshal(params, &want); err != nil || want.FieldName == "" || want.UserTypeID == "" {
		return failure(http.StatusBadRequest, "MISSING_PARAMS", "userTypeId and fieldName are needed")
	}
	name := strings.TrimPrefix(strings.ToUpper(want.FieldName), "UF_CRM_")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.userFields["ufCrm_"+name] {
		return failure(http.StatusConflict, "ALREADY_EXISTS", "there is such a field")
	}
	p.userFields["ufCrm_"+name] = true
	return success(http.StatusCreated, map[string]any{"id": len(p.userFields), "fieldName": "UF_CRM_" + name, "userTypeId": want.UserTypeID})
}
