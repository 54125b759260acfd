package main

import (
	"github.com/alecthomas/kong"

	"github.com/leadbridge/leadbridge/dlt"
)

// flood is a flag that may stand alone, for any flood, or have a flood's id.
type flood string

// Decode implements [kong.MapperValue].
func (f *flood) Decode(ctx *kong.DecodeContext) error {
	*f = dlt.AnyFlood
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	var id string
	if err := ctx.Scan.PopValueInto("flood", &id); err != nil {
		return err
	}
	*f = flood(id)
	return nil
}

// IsBool implements [kong.BoolMapperValue]: the value may be left out.
func (*flood) IsBool() bool { return true }
