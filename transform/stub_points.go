package transform

func presetProgram(name string) (program string, ok bool) { return "", false }
func presetNames() []string                               { return nil }
