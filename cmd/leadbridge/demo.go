package main

type demoCommand struct{}

func (demoCommand) Run(p process) error { return nil }
