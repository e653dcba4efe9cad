// Package bootstrap begins things: the zero-state document of a network and the
// folders of its first validators, the keys and the configuration that a node
// reads at its start, and the walk along key blocks from a zero-header to the
// present.
//
// The walk is a planner ([Sync]): events in, effects out, no clock, no
// goroutine. [Follow] drives it over sources of key blocks.
//
// The zero-state document and the other files are JSON for people; none of it is
// ever hashed. What is hashed is the zero-header that [ZeroState.Build] computes.
//
// Drivers and cmd may import it. It imports proofs and chain/execution (for the
// state that a zero-state begins with), and must not import chain/node, mesh or
// any transport.
package bootstrap
