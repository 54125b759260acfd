package transform_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/transform"
)

func Example() {
	t, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		panic(err)
	}
	event, err := t.Decode(transform.Record{
		Topic: "leads", Partition: 0, Offset: 7, Time: time.UnixMilli(1772366400000),
		Headers: []transform.Header{{Key: "webhook-id", Value: []byte("msg_2Lh9")}},
		Value:   []byte(`{"name": "Петрова Анна Сергеевна", "tel": "8 (916) 123-45-67", "message": "Перезвоните", "city": "Омск"}`),
	})
	if err != nil {
		panic(err)
	}
	contact, err := t.Contact(event)
	fmt.Println(event.ID, event.OriginID)
	fmt.Println(contact.Name, contact.SecondName, contact.LastName, contact.Phones, err)
	fmt.Println(contact.Comments)

	event, _ = t.Decode(transform.Record{Topic: "leads", Value: []byte(`{"name": "Анна", "tel": "нет"}`)})
	_, err = t.Contact(event)
	if rejection, ok := errors.AsType[*transform.Rejection](err); ok {
		fmt.Println(rejection.Reason)
	}
	// Output:
	// id:leads msg_2Lh9 lb-4ae4f472da35d28e5291b6ce3dd2c4f72717510c
	// Анна Сергеевна Петрова [{+79161234567 MOBILE}] <nil>
	// Перезвоните
	// city: Омск
	// NO_CONTACT_POINT
}
