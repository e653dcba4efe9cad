// Package consensus orders: it is the Simplex core of one network, with weights
// and epochs, as a value.
//
// A [Machine] takes inputs ([Machine.Step]) and returns outputs as data
// ([Output]): what must be durable, what is sent then, what became final, when
// to call again. It starts no goroutine, reads no clock, performs no I/O, and no
// map's order reaches an output: the same inputs at the same times give the same
// outputs, byte for byte. docs/spec/ordering.md states the protocol.
//
// One Machine lives through all epochs. It is used by one goroutine at a time.
//
// The views of an epoch and their certificates are in view.go and tally.go, the
// tree of headers in chain.go, voting in vote.go and proposing in propose.go, timers
// in timer.go, recovery in record.go and start.go, and catching up in sync.go.
//
// It may import the standard library, proofs with its subpackages, and
// chain/types. Drivers (chain/node, internal/sim) import it. It must not import
// storage, networking, logging or clocks.
package consensus
