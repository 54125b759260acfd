// Package keyboard makes key actions of WebDriver, which its two protocols have in common. Source: W3C WebDriver, "Actions".
package keyboard

import (
	"slices"
	"strings"
)

// codes are the values of keys that [Press] takes by name.
var codes = map[string]string{
	"Enter": "\ue007", "Tab": "\ue004", "Escape": "\ue00c", "Space": " ", "ArrowDown": "\ue015", "ArrowUp": "\ue013", "Home": "\ue011", "End": "\ue010",
	"Control": "\ue009", "Shift": "\ue008", "Backspace": "\ue003",
}

// Press returns the actions that press keys one after another, such as "Tab", "Control+a" or "Enter".
func Press(names ...string) []map[string]any {
	var all []map[string]any
	for _, name := range names {
		var up []map[string]any
		for part := range strings.SplitSeq(name, "+") {
			key := part
			if code, ok := codes[part]; ok {
				key = code
			}
			all = append(all, action("keyDown", key))
			up = append(up, action("keyUp", key))
		}
		slices.Reverse(up)
		all = append(all, up...)
	}
	return all
}

// Type returns the actions that type a text.
func Type(text string) []map[string]any {
	all := make([]map[string]any, 0, 2*len(text))
	for _, r := range text {
		all = append(all, action("keyDown", string(r)), action("keyUp", string(r)))
	}
	return all
}

func action(kind, key string) map[string]any { return map[string]any{"type": kind, "value": key} }
