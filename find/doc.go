// Package find finds a person's lead: its record, how far the delivery of the record has come, and the
// dead letter or the contact that the lead became.
//
// It reads the topic, the group's commits, the dead letters, the results and the CRM, and writes nothing.
// How far a record has come is known as of the group's last commit.
package find
