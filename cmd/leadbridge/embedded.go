package main

// An image of this program alone has neither: the authorities that sign the
// CRM's certificate and the brokers' (used when the system has none), and the
// time zones.
import (
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)
