// Package sim runs whole networks on one seeded scheduler: the production cores
// (lanes.Machine, consensus.Machine, execution.Engine, mesh.Rules), virtual time,
// and no network, disk or clock. Whatever can happen to a real network happens
// here, as the seed decides: latency, loss, duplication, reordering, partitions,
// clock skew, slow disks, lost and torn unsynced writes, crashes between any two
// effects of a node, a log that is lost, nodes that withhold, equivocate, garble
// and keep silent, and two nodes with one key. Two networks can be linked; what
// passes between them is carried by somebody who loses, doubles and reorders.
//
// A [Scenario] says what may happen ([Scenarios] lists them), [Run] plays it with
// one seed and checks after every step what must hold (the check*.go files). A
// failure names its seed; the same seed replays the same run, event for event,
// and [Record] keeps it to be looked at forwards and backwards.
//
// A simulated node (node.go, core.go, effects.go, execution.go) obeys the outputs
// of the machines as chain/node does: cars and final blocks are durable before
// votes are recorded, those before the log, that before anything is sent; several
// events share a sync. Its disk (disk.go) forgets what was not synced.
//
// [Bug] switches one safety rule off, to show that the checks find it; the checks
// never see which. [Explore] drives the ordering core alone through every order of
// events within bounds.
//
// Signatures of the ordering core are imitated unless a scenario says otherwise:
// what crosses to another network carries real ones, and lanes always do.
//
// It may import the pure packages that it drives, internal/memstate and what that
// imports. Tests and cmd/isthmus import it.
package sim
