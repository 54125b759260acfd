// Package find finds a person's lead: the record in which it lies, how far that record has come, and the
// dead letter, the result or the contact that it became.
//
// It reads the topic, the group's commits, the dead letters, the results and the CRM, and writes nothing.
// What it says of a record is as of the group's last commit.
package find
