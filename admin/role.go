package admin

import "fmt"

// role says what somebody may do on the page. Each role may also do what the ones before it may.
type role int

// The roles.
const (
	roleNone   role = iota
	roleLook        // see states and letters, masked
	roleReveal      // see letters as they are, and export them
	roleAct         // change something: replay, close, erase, pause, probe, release a flood
)

var roleNames = [...]string{"", "look", "reveal", "act"}

func (r role) String() string { return roleNames[r] }

// parseRole reads the name of a role.
func parseRole(name string) (role, error) {
	for r := roleLook; int(r) < len(roleNames); r++ {
		if roleNames[r] == name {
			return r, nil
		}
	}
	return roleNone, fmt.Errorf("the role is none of look, reveal and act")
}
