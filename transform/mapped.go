package transform

// Fields returns the lead's fields as one JSON object: the event's data, or what the mapping makes of it if there is one.
// The error is a *Rejection.
func (t *Transformer) Fields(e Event) ([]byte, error) {
	if t.mapping == nil {
		return e.raw, nil
	}
	o, reject := t.mapping.run(e.data())
	if reject != nil {
		return nil, reject
	}
	return appendJSON(nil, o), nil
}
