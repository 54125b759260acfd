package settings

import "github.com/alecthomas/kong"

// Switch is the text of a setting that is on or off. As a flag it may stand without a value: --kafka-tls.
// It is not kong's bool, which would end the program at the first wrong word.
type Switch string

// Decode takes the value after the equals sign, or true.
func (s *Switch) Decode(ctx *kong.DecodeContext) error {
	*s = "true"
	if token := ctx.Scan.Peek(); token.Type == kong.FlagValueToken {
		*s = Switch(ctx.Scan.Pop().String())
	}
	return nil
}

// IsBool reports to kong that no value needs to follow.
func (s *Switch) IsBool() bool { return true }
