package main

import "testing"

// TestValidatorsGuide runs the commands of the page on validators, with networks of
// its own.
func TestValidatorsGuide(t *testing.T) {
	blocks := blocksOf(t, "docs/guide/validators.md")
	if t.Failed() {
		return
	}
	s := newSession(t)
	for _, b := range blocks {
		s.do(b)
	}
	s.allEnded()
}
